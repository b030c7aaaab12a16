"""Count open and reopened days of the cube, store them, and load all days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from django.db import transaction
from django.db.models import BinaryField, Max, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import (
    amount_caps,
    cell_columns,
    clock_jumps,
    count_failures,
    first_touches,
    specification,
    stale_days_external,
    stale_days_managed,
    storage,
)
from optimizations.cube.cell_columns import CellArrays, DayColumns, PaymentArrays
from optimizations.cube.stale_days_managed import SealedDay
from optimizations.cube.storage import StoredColumns, StoredDay
from optimizations.models import CubeDay, Optimization
from warehouse import connections
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import AmountBucket, Cell, Cube, CubeSpec, Note

NO_LAGS = (0,) * 32
NO_ROWS = DayRowCounts(0, 0)
RowsByDay = Mapping[date, DayRowCounts]


@dataclass(frozen=True)
class ObservationCube:
    """All stored days of one optimization and metric together.

    `lags` are 32 buckets over the horizon. `as_of` is the last refresh, None before the
    first. `rows_read` counts the raw exposure rows that the refresh just made has read,
    `blank_exposures` those of all days that have no id. `notes` are those of all days.
    """

    days: tuple[DayColumns, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    as_of: datetime | None
    rows_read: int = 0
    blank_exposures: int = 0
    notes: tuple[Note, ...] = ()

    @cached_property
    def arrays(self) -> CellArrays:
        """All cells as arrays [n], to sum over."""
        return cell_columns.build_arrays(self.days)

    @cached_property
    def payments(self) -> PaymentArrays:
        """What the payers of all cells paid, as arrays [n]."""
        return cell_columns.build_payment_arrays(self.days)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells as objects; `arrays` are many times as fast."""
        return tuple(
            cell for day in self.days for cell in cell_columns.build_cells(day)
        )


EMPTY_CUBE = ObservationCube((), NO_LAGS, 0, 0, None)


def refresh_cube(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> ObservationCube:
    """Count and store open and reopened days, then load all; see `count_open_days`."""
    rows_read = count_open_days(optimization, metric, as_of, full=full)
    return replace(load_cube(optimization, metric, as_of), rows_read=rows_read)


def count_open_days(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> int:
    """Count open and reopened days in the warehouse and store them; return rows read.

    `full` reopens all sealed days. A day is sealed once its horizon and the allowance
    for late arrivals have passed; a late row reopens it.

    Raises ConflictError for a draft and for a connected warehouse without assignment
    source, UnavailableError, and WarehouseError where the warehouse fails. In all these
    cases the stored days stay as they are, and the failure is recorded.
    """
    with count_failures.record_outcome(optimization, metric):
        return _count_open_days(optimization, metric, as_of, full=full)


def _count_open_days(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool
) -> int:
    spec = specification.build_cube_spec(optimization, metric, as_of)
    warehouse = connections.load_backend(spec.organization_id)
    checked, source = specification.validate_queries(optimization, metric, warehouse)
    sealed = [] if full else _list_sealed_days(optimization, metric, spec)
    if source is None:
        rows_by_day = None
        names = checked.query.reward_names
        days = _list_stale_managed_days(optimization, metric, spec, sealed, names)
    else:
        rows_by_day = warehouse.count_rows_by_day(spec, checked, source)
        days = _list_stale_external_days(
            optimization, metric, spec, sealed, rows_by_day
        )
    spec = replace(spec, days=days)
    cube = warehouse.compute_cube(spec, checked, source)
    _store_days(optimization, metric, spec, cube, rows_by_day)
    amount_caps.fix_cap(optimization, metric, iterate_days(optimization, metric), as_of)
    return cube.rows_read


def load_cube(
    optimization: Optimization, metric: Metric, now: datetime | None = None
) -> ObservationCube:
    """Return the counts of every stored day, without a call to the warehouse."""
    now = now or timezone.now()
    rows = list(_query_cube_days(optimization, metric))
    days = [day for row in rows if (day := _decode_columns(row)) is not None]
    return ObservationCube(
        days=tuple(day.cells for day in days),
        lags=tuple(map(sum, zip(NO_LAGS, *(day.lags for day in days), strict=True))),
        crossover_users=sum(day.crossover_users for day in days),
        arm_mismatch_users=sum(day.arm_mismatch_users for day in days),
        as_of=max(
            (clock_jumps.limit_to_now(row.computed_at, now) for row in rows),
            default=None,
        ),
        blank_exposures=sum(day.blank_exposures for day in days),
        notes=tuple(note for day in days for note in day.notes),
    )


def find_last_refresh(
    optimization: Optimization, metric: Metric, now: datetime | None = None
) -> datetime | None:
    """Return when the warehouse last counted; None before the first time.

    Counts of a clock that was set back since are left out.
    """
    days = _query_cube_days(optimization, metric).filter(
        computed_at__lte=clock_jumps.compute_latest_stamp(now)
    )
    last_refresh: datetime | None = days.aggregate(last=Max("computed_at"))["last"]
    return last_refresh


def iterate_days(
    optimization: Optimization,
    metric: Metric,
    since: date | None = None,
    *,
    newest_first: bool = False,
) -> Iterator[DayColumns]:
    """Yield the stored days one by one, from `since` on; each is decoded when needed."""
    rows = _query_cube_days(optimization, metric)
    if since is not None:
        rows = rows.filter(day__gte=since)
    for row in rows.order_by("-day" if newest_first else "day"):
        day = _decode_columns(row)
        if day is not None:
            yield day.cells


def _decode_columns(row: CubeDay) -> StoredColumns | None:
    return storage.decode_columns(row.day, row.cells)


def _list_stale_managed_days(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    sealed: list[SealedDay],
    reward_names: Sequence[str] | None,
) -> tuple[date, ...]:
    """List the days to count on the managed store, which knows when each row arrived."""
    boundary = stale_days_managed.compute_seal_boundary(spec.horizon_hours, spec.as_of)
    first_touches.store_first_touches(optimization, boundary)
    last_refresh = find_last_refresh(optimization, metric, spec.as_of)
    return stale_days_managed.list_stale_days(
        optimization,
        spec.horizon_hours,
        sealed,
        last_refresh,
        spec.as_of,
        reward_names,
    )


def _list_stale_external_days(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    sealed: list[SealedDay],
    rows_by_day: RowsByDay,
) -> tuple[date, ...]:
    stored = _decode_days(_query_cube_days(optimization, metric))
    return stale_days_external.list_stale_days(
        optimization, spec, stored, sealed, rows_by_day
    )


def has_reopened_days(
    optimization: Optimization, metric: Metric, spec: CubeSpec, rows_by_day: RowsByDay
) -> bool:
    """Return whether a refresh would count a sealed day of a connected warehouse again."""
    sealed = _list_sealed_days(optimization, metric, spec)
    stale = _list_stale_external_days(optimization, metric, spec, sealed, rows_by_day)
    return not {day.day for day in sealed}.isdisjoint(stale)


def _decode_days(rows: Iterable[CubeDay]) -> list[StoredDay]:
    return [
        day
        for row in rows
        if (day := storage.decode_day(row.day, row.cells)) is not None
    ]


def list_stored_days(optimization: Optimization, metric: Metric) -> tuple[date, ...]:
    """List the stored days of first touch, ascending."""
    return tuple(
        _query_cube_days(optimization, metric)
        .order_by("day")
        .values_list("day", flat=True)
    )


def _query_cube_days(optimization: Optimization, metric: Metric) -> QuerySet[CubeDay]:
    return CubeDay.objects.filter(optimization=optimization, metric=metric)


def _list_sealed_days(
    optimization: Optimization, metric: Metric, spec: CubeSpec
) -> list[SealedDay]:
    """List the sealed days that were counted under the same spec.

    A day that a clock ahead of its time has sealed is open: its users' horizons had not
    passed.
    """
    fingerprint = storage.compute_fingerprint(spec)
    sealed = _query_cube_days(optimization, metric).filter(
        sealed=True, computed_at__lte=clock_jumps.compute_latest_stamp(spec.as_of)
    )
    headers = sealed.annotate(
        header=Substr("cells", 1, storage.HEADER_LENGTH, output_field=BinaryField())
    ).values_list("day", "computed_at", "header")
    return [
        SealedDay(day, computed_at)
        for day, computed_at, header in headers
        if storage.matches_fingerprint(header, fingerprint)
    ]


def _store_days(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    cube: Cube,
    rows_by_day: RowsByDay | None,
) -> None:
    """Store each day of the spec, also without users, unless a later count is stored."""
    with transaction.atomic():
        Optimization.objects.select_for_update().get(pk=optimization.pk)
        newer = set(
            _query_cube_days(optimization, metric)
            .filter(
                day__in=spec.days,
                computed_at__gt=spec.as_of,
                computed_at__lte=clock_jumps.compute_latest_stamp(spec.as_of),
            )
            .values_list("day", flat=True)
        )
        CubeDay.objects.bulk_create(
            [
                CubeDay(
                    optimization=optimization,
                    metric=metric,
                    day=day.day,
                    sealed=stale_days_managed.is_sealed(
                        day.day, spec.horizon_hours, spec.as_of
                    ),
                    computed_at=spec.as_of,
                    cells=storage.encode_day(day),
                )
                for day in _group_by_day(spec, cube, rows_by_day)
                if day.day not in newer
            ],
            update_conflicts=True,
            unique_fields=["optimization", "metric", "day"],
            update_fields=["sealed", "computed_at", "cells"],
        )


def _group_by_day(
    spec: CubeSpec, cube: Cube, rows_by_day: RowsByDay | None
) -> Iterable[StoredDay]:
    fingerprint = storage.compute_fingerprint(spec)
    cells: defaultdict[date, list[Cell]] = defaultdict(list)
    for cell in cube.cells:
        cells[cell.day].append(cell)
    amounts: defaultdict[date, list[AmountBucket]] = defaultdict(list)
    for amount in cube.amounts:
        amounts[amount.day].append(amount)
    counts_by_day = {counts.day: counts for counts in cube.days}
    for day in spec.days:
        counts = counts_by_day.get(day)
        rows = None if rows_by_day is None else rows_by_day.get(day, NO_ROWS)
        yield StoredDay(
            day=day,
            cells=tuple(cells[day]),
            lags=counts.lags if counts else NO_LAGS,
            crossover_users=counts.crossover_users if counts else 0,
            arm_mismatch_users=counts.arm_mismatch_users if counts else 0,
            fingerprint=fingerprint,
            exposure_rows=None if rows is None else rows.exposures,
            reward_rows=None if rows is None else rows.rewards,
            blank_exposures=counts.blank_exposures if counts else 0,
            amounts=tuple(amounts[day]) if spec.reward_type == "numeric" else None,
            notes=counts.notes if counts else (),
        )

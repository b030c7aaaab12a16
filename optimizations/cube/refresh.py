"""The stored counts of one optimization and metric, and the refresh that counts again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import (
    amount_caps,
    cell_columns,
    clock_jumps,
    count_failures,
    count_task,
    counting,
    day_records,
    erased_gaps,
    late_rows,
    revision_cells,
    stale_days,
    storage,
)
from optimizations.cube.cell_columns import CellArrays, DayColumns, PaymentArrays
from optimizations.cube.count_failures import FailedCount
from optimizations.cube.late_rows import LateRows
from optimizations.cube.storage import StoredColumns
from optimizations.models import CubeDay, Optimization
from warehouse.sql.cube.statement import Cell, Note

NO_LAGS = counting.NO_LAGS


@dataclass(frozen=True)
class ObservationCube:
    """All stored days of one optimization and metric together.

    `days` has the users of the regimes in which the metric had its present revision:
    every figure is a sum over them. `earlier_days` has those of other revisions, as these
    counted. `revised_at` is when the present one began first; None for that of the launch.
    `other_revisions` are the times since then in which the metric had others.
    `lags` are 32 buckets over the horizon. `as_of` is the last refresh, None before the
    first. `rows_read` counts the raw exposure rows that the refresh just made has read,
    `blank_exposures` those of all days that have no id. `notes` are those of all days of
    the present revision. `changed_days` are the days whose rows were changed in place or
    deleted, as seen last at `rows_changed_at`. `failure` is why the last attempt to count
    failed, if it did: then the counts are old. `late_rows` came after the figures were
    final. `missing_erased` are erased users whom the reward's counts have, not these.
    """

    days: tuple[DayColumns, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    as_of: datetime | None
    rows_read: int = 0
    blank_exposures: int = 0
    notes: tuple[Note, ...] = ()
    earlier_days: tuple[DayColumns, ...] = ()
    revised_at: datetime | None = None
    changed_days: tuple[date, ...] = ()
    rows_changed_at: datetime | None = None
    failure: FailedCount | None = None
    other_revisions: tuple[tuple[datetime, datetime], ...] = ()
    late_rows: LateRows | None = None
    missing_erased: int = 0

    @cached_property
    def arrays(self) -> CellArrays:
        """All cells as arrays [n], to sum over."""
        return cell_columns.build_arrays(self.days)

    @cached_property
    def mature_arrays(self) -> CellArrays:
        """The cells of mature users as arrays [n]."""
        return self.arrays.select(self.arrays.mature)

    @cached_property
    def payments(self) -> PaymentArrays:
        """What the payers of all cells paid, as arrays [n]."""
        return cell_columns.build_payment_arrays(self.days)

    @cached_property
    def earlier_arrays(self) -> CellArrays:
        """The cells of other revisions as arrays [n]."""
        return cell_columns.build_arrays(self.earlier_days)

    @cached_property
    def split_arrays(self) -> CellArrays:
        """The cells of all revisions as arrays [n]: who was held out depends on none."""
        if not self.earlier_days:
            return self.arrays
        return cell_columns.build_arrays((*self.earlier_days, *self.days))

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
    for late arrivals have passed; a late row reopens it. Users are counted by the
    revision of the metric that their regime has.

    Raises ConflictError for a draft and for a connected warehouse without assignment
    source, UnavailableError, and WarehouseError where the warehouse fails. In all these
    cases the stored days stay as they are, and the failure is recorded.
    """
    with count_failures.record_outcome(optimization, metric):
        task = count_task.build_task(optimization, metric, as_of)
        rows_read = counting.count_days(stale_days.find_stale_days(task, full=full))
        counted = iterate_days(optimization, metric)
        amount_caps.fix_cap(optimization, metric, counted, as_of)
        return rows_read


def load_cubes(
    optimization: Optimization, metrics: Iterable[Metric]
) -> dict[UUID, ObservationCube]:
    """Return the counts of several metrics by their ids, whose days are read at once."""
    by_id = {metric.pk: metric for metric in metrics}
    rows: defaultdict[UUID, list[CubeDay]] = defaultdict(list)
    days = CubeDay.objects.filter(optimization=optimization, metric__in=by_id)
    for row in days.order_by("day"):
        rows[row.metric_id].append(row)
    return {
        key: load_cube(optimization, metric, rows=rows[key])
        for key, metric in by_id.items()
    }


def load_cube(
    optimization: Optimization,
    metric: Metric,
    now: datetime | None = None,
    *,
    rows: Sequence[CubeDay] | None = None,
) -> ObservationCube:
    """Return the counts of every stored day, without a call to the warehouse.

    `rows` are the stored days, if they were read.
    """
    now = now or timezone.now()
    present = revision_cells.find_present(optimization, metric)
    if rows is None:
        rows = list(day_records.query_days(optimization, metric))
    decoded = [day for row in rows if (day := _decode_columns(row)) is not None]
    days = [day for day in decoded if present is None or present.covers(day.cells.day)]
    # What is not split by cell is of the newest revision with users of the day.
    own = [day for day in days if present is None or present.is_newest(day.cells.day)]
    changed = day_records.select_changed_days(rows)
    notes = tuple(note for day in days for note in day.notes)
    return ObservationCube(
        days=tuple(revision_cells.select_present(day.cells, present) for day in days),
        lags=tuple(map(sum, zip(NO_LAGS, *(day.lags for day in own), strict=True))),
        crossover_users=sum(day.crossover_users for day in own),
        arm_mismatch_users=sum(day.arm_mismatch_users for day in own),
        as_of=max(
            (clock_jumps.limit_to_now(row.computed_at, now) for row in rows),
            default=None,
        ),
        blank_exposures=sum(day.blank_exposures for day in days),
        notes=notes,
        late_rows=late_rows.find_late_rows(optimization, notes),
        earlier_days=revision_cells.select_others(
            [day.cells for day in decoded], present
        ),
        revised_at=present.starts_at if present else None,
        other_revisions=present.gaps if present else (),
        changed_days=tuple(sorted(changed)),
        rows_changed_at=max(changed.values(), default=None),
        failure=count_failures.load_failure(optimization, metric),
        missing_erased=erased_gaps.count_missing_users(optimization, metric),
    )


def find_last_refresh(
    optimization: Optimization, metric: Metric, now: datetime | None = None
) -> datetime | None:
    """Return when the warehouse last counted; None before the first time.

    Counts of a clock that was set back since are left out.
    """
    return day_records.find_last_refresh(optimization, metric, now)


def iterate_days(
    optimization: Optimization,
    metric: Metric,
    since: date | None = None,
    *,
    newest_first: bool = False,
    all_revisions: bool = False,
) -> Iterator[DayColumns]:
    """Yield the stored days one by one, from `since` on; each is decoded when needed.

    Without `all_revisions` they have the users of the metric's present revision only.
    """
    present = (
        None if all_revisions else revision_cells.find_present(optimization, metric)
    )
    rows = day_records.query_days(optimization, metric)
    if since is not None:
        rows = rows.filter(day__gte=since)
    if present is not None:
        rows = rows.filter(day__gte=present.first_day)
    for row in rows.order_by("-day" if newest_first else "day"):
        if present is not None and not present.covers(row.day):
            continue
        day = _decode_columns(row)
        if day is not None:
            yield revision_cells.select_present(day.cells, present)


def list_stored_days(optimization: Optimization, metric: Metric) -> tuple[date, ...]:
    """List the stored days of first touch, ascending."""
    return tuple(
        day_records.query_days(optimization, metric)
        .order_by("day")
        .values_list("day", flat=True)
    )


def _decode_columns(row: CubeDay) -> StoredColumns | None:
    return storage.decode_columns(row.day, row.cells)

"""The observation cube: ask the warehouse for the open days, keep each day, read them all."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import transaction
from django.db.models import BinaryField, Max, QuerySet
from django.db.models.functions import Substr

from metrics.models import Metric
from optimizations.cube import (
    first_touches,
    specification,
    stale_days_external,
    stale_days_managed,
    storage,
)
from optimizations.cube.stale_days_managed import SealedDay
from optimizations.cube.storage import StoredDay
from optimizations.models import CubeDay, Optimization
from warehouse import connections
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import Cell, Cube, CubeSpec

NO_LAGS = (0,) * 32
RowsByDay = Mapping[date, DayRowCounts]


@dataclass(frozen=True, slots=True)
class ObservationCube:
    """All stored days of one optimization and metric together.

    `lags` are 32 buckets over the horizon; `as_of` the last refresh, None before any;
    `rows_read` the raw exposure rows that the refresh behind this answer read.
    """

    cells: tuple[Cell, ...]
    lags: tuple[int, ...]
    crossover_users: int
    arm_mismatch_users: int
    as_of: datetime | None
    rows_read: int = 0


EMPTY_CUBE = ObservationCube((), NO_LAGS, 0, 0, None)


def refresh_cube(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> ObservationCube:
    """Count the open days in the warehouse, store them, and read all; see `count`."""
    rows_read = count_open_days(optimization, metric, as_of, full=full)
    return replace(load_cube(optimization, metric), rows_read=rows_read)


def count_open_days(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> int:
    """Count the open days in the warehouse and store them; returns the rows it read.

    `full` counts sealed days again too. Days past their horizon and the allowance for
    late arrivals are sealed; a row that came late opens its day again.

    Raises ConflictError for a draft and for a connected warehouse without assignment
    source, UnavailableError, WarehouseError where the warehouse refuses; what is stored
    then stays as it is.
    """
    spec = specification.build_cube_spec(optimization, metric, as_of)
    warehouse = connections.load_backend(spec.organization_id)
    asked, source = specification.validate_queries(optimization, metric, warehouse)
    known = [] if full else _list_sealed_days(optimization, metric, spec)
    if source is None:
        rows, days = None, _list_stale_managed_days(optimization, metric, spec, known)
    else:
        rows = warehouse.count_rows_by_day(spec, asked, source)
        stored = _decode_days(_query_cube_days(optimization, metric))
        days = stale_days_external.list_stale_days(
            optimization, spec, stored, known, rows
        )
    spec = replace(spec, days=days)
    counted = warehouse.compute_cube(spec, asked, source)
    _store_days(optimization, metric, spec, counted, rows)
    return counted.rows_read


def load_cube(optimization: Optimization, metric: Metric) -> ObservationCube:
    """Return every stored day's counts; asks no warehouse."""
    rows = list(_query_cube_days(optimization, metric))
    days = _decode_days(rows)
    return ObservationCube(
        cells=tuple(cell for day in days for cell in day.cells),
        lags=tuple(map(sum, zip(NO_LAGS, *(day.lags for day in days), strict=True))),
        crossover_users=sum(day.crossover_users for day in days),
        arm_mismatch_users=sum(day.arm_mismatch_users for day in days),
        as_of=max((row.computed_at for row in rows), default=None),
    )


def _list_stale_managed_days(
    optimization: Optimization, metric: Metric, spec: CubeSpec, known: list[SealedDay]
) -> tuple[date, ...]:
    """List the days to count on the managed store, which knows when each row came."""
    sealable = stale_days_managed.compute_seal_boundary(spec.horizon_hours, spec.as_of)
    first_touches.store_first_touches(optimization, sealable)
    looked_at = _query_cube_days(optimization, metric).aggregate(
        last=Max("computed_at")
    )["last"]
    return stale_days_managed.list_stale_days(
        optimization, spec.horizon_hours, known, looked_at, spec.as_of
    )


def _decode_days(rows: Iterable[CubeDay]) -> list[StoredDay]:
    return [
        day
        for row in rows
        if (day := storage.decode_day(row.day, row.cells)) is not None
    ]


def list_stored_days(optimization: Optimization, metric: Metric) -> tuple[date, ...]:
    """List the days of first touch that were counted, ascending."""
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
    """List sealed days whose counts answer this very question."""
    asked = storage.compute_fingerprint(spec)
    stored = _query_cube_days(optimization, metric).filter(sealed=True)
    heads = stored.annotate(
        head=Substr("cells", 1, storage.HEADER_LENGTH, output_field=BinaryField())
    ).values_list("day", "computed_at", "head")
    return [
        SealedDay(day, at)
        for day, at, head in heads
        if storage.matches_fingerprint(head, asked)
    ]


def _store_days(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    counted: Cube,
    rows: RowsByDay | None,
) -> None:
    """Keep each day asked for, one without users too, unless a later count is there."""
    with transaction.atomic():
        Optimization.objects.select_for_update().get(pk=optimization.pk)
        newer = set(
            _query_cube_days(optimization, metric)
            .filter(day__in=spec.days, computed_at__gt=spec.as_of)
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
                for day in _group_by_day(spec, counted, rows)
                if day.day not in newer
            ],
            update_conflicts=True,
            unique_fields=["optimization", "metric", "day"],
            update_fields=["sealed", "computed_at", "cells"],
        )


def _group_by_day(
    spec: CubeSpec, counted: Cube, rows: RowsByDay | None
) -> Iterable[StoredDay]:
    asked = storage.compute_fingerprint(spec)
    own: defaultdict[date, list[Cell]] = defaultdict(list)
    for cell in counted.cells:
        own[cell.day].append(cell)
    beside = {counts.day: counts for counts in counted.days}
    for day in spec.days:
        counts = beside.get(day)
        there = None if rows is None else rows.get(day, DayRowCounts(0, 0))
        yield StoredDay(
            day=day,
            cells=tuple(own[day]),
            lags=counts.lags if counts else NO_LAGS,
            crossover_users=counts.crossover_users if counts else 0,
            arm_mismatch_users=counts.arm_mismatch_users if counts else 0,
            fingerprint=asked,
            exposure_rows=None if there is None else there.exposures,
            reward_rows=None if there is None else there.rewards,
        )

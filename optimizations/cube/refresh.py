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
from optimizations.cube.stale_days_managed import Sealed
from optimizations.cube.storage import Day
from optimizations.models import CubeDay, Optimization
from warehouse import connections
from warehouse.backends.answers import DayRows
from warehouse.sql.cube.statement import Cell, Cube, CubeSpec

NO_LAGS = (0,) * 32
Rows = Mapping[date, DayRows]


@dataclass(frozen=True, slots=True)
class Observed:
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


NOTHING = Observed((), NO_LAGS, 0, 0, None)


def refresh(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> Observed:
    """Count the open days in the warehouse, store them, and read all; see `count`."""
    rows_read = count(optimization, metric, as_of, full=full)
    return replace(read(optimization, metric), rows_read=rows_read)


def count(
    optimization: Optimization, metric: Metric, as_of: datetime, *, full: bool = False
) -> int:
    """Count the open days in the warehouse and store them; returns the rows it read.

    `full` counts sealed days again too. Days past their horizon and the allowance for
    late arrivals are sealed; a row that came late opens its day again.

    Raises ConflictError for a draft and for a connected warehouse without assignment
    source, UnavailableError, WarehouseError where the warehouse refuses; what is stored
    then stays as it is.
    """
    spec = specification.of(optimization, metric, as_of)
    warehouse = connections.backend(spec.organization_id)
    asked, source = specification.checked(optimization, metric, warehouse)
    known = [] if full else _sealed(optimization, metric, spec)
    if source is None:
        rows, days = None, _days_of_ours(optimization, metric, spec, known)
    else:
        rows = warehouse.recount(spec, asked, source)
        stored = _days(_rows(optimization, metric))
        days = stale_days_external.days_to_count(
            optimization, spec, stored, known, rows
        )
    spec = replace(spec, days=days)
    counted = warehouse.observe(spec, asked, source)
    _store(optimization, metric, spec, counted, rows)
    return counted.rows_read


def read(optimization: Optimization, metric: Metric) -> Observed:
    """Return every stored day's counts; asks no warehouse."""
    rows = list(_rows(optimization, metric))
    days = _days(rows)
    return Observed(
        cells=tuple(cell for day in days for cell in day.cells),
        lags=tuple(map(sum, zip(NO_LAGS, *(day.lags for day in days), strict=True))),
        crossover_users=sum(day.crossover_users for day in days),
        arm_mismatch_users=sum(day.arm_mismatch_users for day in days),
        as_of=max((row.computed_at for row in rows), default=None),
    )


def _days_of_ours(
    optimization: Optimization, metric: Metric, spec: CubeSpec, known: list[Sealed]
) -> tuple[date, ...]:
    """List the days to count on the managed store, which knows when each row came."""
    sealable = stale_days_managed.sealable_until(spec.horizon_hours, spec.as_of)
    first_touches.keep(optimization, sealable)
    looked_at = _rows(optimization, metric).aggregate(last=Max("computed_at"))["last"]
    return stale_days_managed.days_to_count(
        optimization, spec.horizon_hours, known, looked_at, spec.as_of
    )


def _days(rows: Iterable[CubeDay]) -> list[Day]:
    return [
        day for row in rows if (day := storage.read(row.day, row.cells)) is not None
    ]


def stored_days(optimization: Optimization, metric: Metric) -> tuple[date, ...]:
    """List the days of first touch that were counted, ascending."""
    return tuple(
        _rows(optimization, metric).order_by("day").values_list("day", flat=True)
    )


def _rows(optimization: Optimization, metric: Metric) -> QuerySet[CubeDay]:
    return CubeDay.objects.filter(optimization=optimization, metric=metric)


def _sealed(optimization: Optimization, metric: Metric, spec: CubeSpec) -> list[Sealed]:
    """List sealed days whose counts answer this very question."""
    asked = storage.fingerprint(spec)
    stored = _rows(optimization, metric).filter(sealed=True)
    heads = stored.annotate(
        head=Substr("cells", 1, storage.HEAD, output_field=BinaryField())
    ).values_list("day", "computed_at", "head")
    return [Sealed(day, at) for day, at, head in heads if storage.answers(head, asked)]


def _store(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    counted: Cube,
    rows: Rows | None,
) -> None:
    """Keep each day asked for, one without users too, unless a later count is there."""
    with transaction.atomic():
        Optimization.objects.select_for_update().get(pk=optimization.pk)
        newer = set(
            _rows(optimization, metric)
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
                    cells=storage.write(day),
                )
                for day in _by_day(spec, counted, rows)
                if day.day not in newer
            ],
            update_conflicts=True,
            unique_fields=["optimization", "metric", "day"],
            update_fields=["sealed", "computed_at", "cells"],
        )


def _by_day(spec: CubeSpec, counted: Cube, rows: Rows | None) -> Iterable[Day]:
    asked = storage.fingerprint(spec)
    own: defaultdict[date, list[Cell]] = defaultdict(list)
    for cell in counted.cells:
        own[cell.day].append(cell)
    beside = {counts.day: counts for counts in counted.days}
    for day in spec.days:
        counts = beside.get(day)
        there = None if rows is None else rows.get(day, DayRows(0, 0))
        yield Day(
            day=day,
            cells=tuple(own[day]),
            lags=counts.lags if counts else NO_LAGS,
            crossover_users=counts.crossover_users if counts else 0,
            arm_mismatch_users=counts.arm_mismatch_users if counts else 0,
            fingerprint=asked,
            exposure_rows=None if there is None else there.exposures,
            reward_rows=None if there is None else there.rewards,
        )

"""Read and write the stored days of the cube (CubeDay)."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.db import transaction
from django.db.models import BinaryField, Max, QuerySet
from django.db.models.functions import Substr

from metrics.models import Metric
from optimizations.configuration import regimes
from optimizations.cube import clock_jumps, stale_days_managed, storage
from optimizations.cube.specification import CountPlan
from optimizations.cube.stale_days_external import StoredRows
from optimizations.cube.stale_days_managed import SealedDay
from optimizations.cube.storage import StoredDay
from optimizations.models import CubeDay, Optimization
from warehouse.backends.query_results import DayRowCounts


def query_days(optimization: Optimization, metric: Metric) -> QuerySet[CubeDay]:
    """Return the stored days of one metric."""
    return CubeDay.objects.filter(optimization=optimization, metric=metric)


def list_sealed_days(
    optimization: Optimization, metric: Metric, plan: CountPlan, as_of: datetime
) -> list[SealedDay]:
    """List the sealed days that need no other count, by the plan.

    These were counted under the same spec. A day that a clock ahead of its time has
    sealed is open: its users' horizons had not passed.
    """
    sealed = query_days(optimization, metric).filter(
        sealed=True, computed_at__lte=clock_jumps.compute_latest_stamp(as_of)
    )
    headers = sealed.annotate(
        header=Substr("cells", 1, storage.HEADER_LENGTH, output_field=BinaryField())
    ).values_list("day", "computed_at", "header")
    fingerprints = {
        revision.regimes: storage.compute_fingerprint(revision.spec)
        for revision in plan.revisions
    }
    return [
        SealedDay(day, computed_at)
        for day, computed_at, header in headers
        if (revision := plan.find_newest(day))
        if storage.matches_fingerprint(header, fingerprints[revision.regimes])
    ]


def load_stored_rows(
    optimization: Optimization, metric: Metric, since: date | None = None
) -> dict[date, StoredRows]:
    """Return the numbers and hashes of the rows that each day was counted with.

    Those of another warehouse or assignment source say nothing about the present one.
    """
    days = query_days(optimization, metric)
    if since is not None:
        days = days.filter(day__gte=since)
    warehouse_start = regimes.find_warehouse_start(optimization)
    return {
        row.day: rows
        for row in days
        if (rows := _read_stored_rows(row, warehouse_start)) is not None
    }


def _read_stored_rows(
    row: CubeDay, warehouse_start: datetime | None
) -> StoredRows | None:
    stored = storage.decode_columns(row.day, row.cells)
    if stored is None:
        return None
    is_elsewhere = warehouse_start is not None and row.computed_at < warehouse_start
    rows = None
    if not (is_elsewhere or stored.exposure_rows is None or stored.reward_rows is None):
        rows = DayRowCounts(
            stored.exposure_rows,
            stored.reward_rows,
            row.exposures_hash,
            row.rewards_hash,
        )
    return StoredRows(rows, row.rows_changed_at, row.computed_at, stored.fingerprint)


def load_days(
    optimization: Optimization, metric: Metric, days: Iterable[date]
) -> list[StoredDay]:
    """Return these of the stored days."""
    rows = query_days(optimization, metric).filter(day__in=list(days))
    decoded = (storage.decode_day(row.day, row.cells) for row in rows)
    return [day for day in decoded if day is not None]


def load_changed_days(
    optimization: Optimization, metric: Metric
) -> dict[date, datetime]:
    """Return the days whose rows were changed or deleted, and when that was last seen."""
    rows = query_days(optimization, metric).filter(rows_changed_at__isnull=False)
    return select_changed_days(rows.only("day", "rows_changed_at").order_by("day"))


def select_changed_days(rows: Iterable[CubeDay]) -> dict[date, datetime]:
    """Return the days among stored ones whose rows were changed or deleted."""
    return {row.day: row.rows_changed_at for row in rows if row.rows_changed_at}


def find_last_refresh(
    optimization: Optimization, metric: Metric, now: datetime | None = None
) -> datetime | None:
    """Return when the warehouse last counted; None before the first time.

    Counts of a clock that was set back since are left out.
    """
    days = query_days(optimization, metric).filter(
        computed_at__lte=clock_jumps.compute_latest_stamp(now)
    )
    last_refresh: datetime | None = days.aggregate(last=Max("computed_at"))["last"]
    return last_refresh


def store_days(
    optimization: Optimization,
    metric: Metric,
    days: Iterable[StoredDay],
    rows: Mapping[date, StoredRows],
    *,
    horizon_hours: int,
    as_of: datetime,
) -> None:
    """Store days with the `rows` they were counted with, unless a later count is stored."""
    counted = {day.day: day for day in days}  # before the lock: it asks and decodes
    with transaction.atomic():
        Optimization.objects.select_for_update().get(pk=optimization.pk)
        newer = set(
            query_days(optimization, metric)
            .filter(
                day__in=counted,
                computed_at__gt=as_of,
                computed_at__lte=clock_jumps.compute_latest_stamp(as_of),
            )
            .values_list("day", flat=True)
        )
        CubeDay.objects.bulk_create(
            [
                CubeDay(
                    optimization=optimization,
                    metric=metric,
                    day=day,
                    sealed=stale_days_managed.is_sealed(day, horizon_hours, as_of),
                    computed_at=as_of,
                    cells=storage.encode_day(stored_day),
                    **_build_row_fields(rows.get(day)),
                )
                for day, stored_day in counted.items()
                if day not in newer
            ],
            update_conflicts=True,
            unique_fields=["optimization", "metric", "day"],
            update_fields=[
                *("sealed", "computed_at", "cells"),
                *("exposures_hash", "rewards_hash", "rows_changed_at"),
            ],
        )


def _build_row_fields(stored: StoredRows | None) -> dict[str, int | datetime | None]:
    if stored is None or stored.rows is None:
        return {}
    return {
        "exposures_hash": stored.rows.exposures_hash,
        "rewards_hash": stored.rows.rewards_hash,
        "rows_changed_at": stored.changed_at,
    }

"""Ask a connected warehouse whether it has rows that no training has counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

from django.db.models import Max, Min, Q

from metrics.models import Metric
from optimizations.cube import (
    count_task,
    day_records,
    refresh,
    stale_days,
    stale_days_external,
)
from optimizations.cube.count_task import CountTask
from optimizations.cube.stale_days import RowsByDay
from optimizations.cube.stale_days_external import NO_ROWS
from optimizations.models import CubeDay, Optimization
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import CubeSpec


def has_new_rows(
    optimization: Optimization,
    metric: Metric,
    as_of: datetime,
    *,
    last_run_ended_at: datetime | None,
    has_learned: bool,
    is_whole_history: bool,
) -> bool:
    """Return whether a training would see rows that the last one did not.

    Counts the rows of the open days only, without the cube; before the first run, those
    since going live. Only days of the metric's present revision are learned from. `is_whole_history` counts all days that are retained, which finds
    late rows of sealed days, and exposures from before going live. Without exposures
    (`has_learned` is false) rewards are nothing to learn from. A refresh since the last
    run answers without a question: what it counted was not learned.

    Raises what `refresh.count_open_days` raises.
    """
    last_refresh = refresh.find_last_refresh(optimization, metric)
    if last_run_ended_at and last_refresh and last_refresh > last_run_ended_at:
        return True
    first_day = None
    if last_run_ended_at is not None:
        first_day = _find_first_open_day(optimization, metric, as_of)
    launch = optimization.went_live_at or optimization.created_at
    task = count_task.build_task(optimization, metric, as_of)
    present = task.plan.present.regimes
    since = max(first_day or launch.astimezone(UTC).date(), present.first_day)
    stored = {} if first_day is None else _load_row_counts(optimization, metric, since)
    counted = _count_rows(
        task, task.spec if is_whole_history else _read_from(task.spec, since)
    )
    if any(
        _is_new(
            stored.get(day, NO_ROWS), counted.get(day, NO_ROWS), has_learned=has_learned
        )
        for day in stored.keys() | counted.keys()
        if day >= since and task.plan.is_counted_by_present(day)
    ):
        return True
    return is_whole_history and _has_late_rows(task, counted, since)


def _has_late_rows(task: CountTask, counted: RowsByDay, until: date) -> bool:
    """Return whether a refresh would count days before `until` that it did not so far.

    Those are new days with exposures, and sealed days to reopen. Rewards from before the
    first exposure belong to nobody.
    """
    stored_days = set(refresh.list_stored_days(task.optimization, task.metric))
    if any(
        rows.exposures and day < until and day not in stored_days
        for day, rows in counted.items()
    ):
        return True
    return stale_days.has_reopened_days(task, counted)


def _is_new(stored: DayRowCounts, counted: DayRowCounts, *, has_learned: bool) -> bool:
    if stale_days_external.has_other_exposures(stored, counted):
        return True
    return has_learned and stale_days_external.has_other_rewards(stored, counted)


def _find_first_open_day(
    optimization: Optimization, metric: Metric, as_of: datetime
) -> date | None:
    """Return the first stored day that is open, else the last one; None without days."""
    days = CubeDay.objects.filter(optimization=optimization, metric=metric)
    found = days.filter(day__lte=as_of.astimezone(UTC).date()).aggregate(
        first_open=Min("day", filter=Q(sealed=False)), last=Max("day")
    )
    first_day: date | None = found["first_open"] or found["last"]
    return first_day


def _load_row_counts(
    optimization: Optimization, metric: Metric, since: date
) -> RowsByDay:
    """Return the rows that the last refresh saw, by day."""
    stored = day_records.load_stored_rows(optimization, metric, since)
    return {day: found.rows or NO_ROWS for day, found in stored.items()}


def _read_from(spec: CubeSpec, first_day: date) -> CubeSpec:
    """Return the spec without the days before a day."""
    since = datetime.combine(first_day, time(), UTC)
    return replace(spec, history_from=max(since, spec.history_from or since))


def _count_rows(task: CountTask, spec: CubeSpec) -> RowsByDay:
    assert task.source is not None  # only connected warehouses are asked
    query = task.queries[task.plan.present.definition.revision]
    return task.warehouse.count_rows_by_day(spec, query, task.source)

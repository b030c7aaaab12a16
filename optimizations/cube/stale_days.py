"""Find the days that a refresh has to count, in either kind of warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from levered_site.errors import LeveredError
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.cube import (
    count_task,
    day_records,
    first_touches,
    stale_days_external,
    stale_days_managed,
)
from optimizations.cube.count_task import CountTask
from optimizations.cube.specification import RevisionPlan
from optimizations.cube.stale_days_external import StoredRows
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import CubeSpec

RowsByDay = Mapping[date, DayRowCounts]


@dataclass(frozen=True, slots=True)
class StaleDays:
    """The days to count, and a connected warehouse's rows by day."""

    task: CountTask
    days: tuple[date, ...]
    rows_by_day: RowsByDay | None


def find_stale_days(task: CountTask, *, full: bool) -> StaleDays:
    """Find the days to count. `full` reopens all sealed days.

    History that was sent in moves every start date back, so all days are counted again.
    """
    stale = _find_stale_days(task, full=full)
    first_day = min(stale.days, default=task.plan.first_day)
    if first_day >= task.plan.first_day:
        return stale
    plan = stale.task.plan.reach_back_to(first_day)
    return _find_stale_days(replace(stale.task, plan=plan), full=full)


def _find_stale_days(task: CountTask, *, full: bool) -> StaleDays:
    spec, rows_by_day = task.spec, None
    if task.source is not None:
        task, rows_by_day = count_rows(task)
    sealed = (
        []
        if full
        else day_records.list_sealed_days(
            task.optimization, task.metric, task.plan, spec.as_of
        )
    )
    if rows_by_day is None:
        boundary = stale_days_managed.compute_seal_boundary(
            spec.horizon_hours, spec.as_of
        )
        first_touches.store_first_touches(task.optimization, boundary)
        last_refresh = day_records.find_last_refresh(
            task.optimization, task.metric, spec.as_of
        )
        days = stale_days_managed.list_stale_days(
            task.optimization,
            spec.horizon_hours,
            sealed,
            last_refresh,
            spec.as_of,
            task.list_reward_names(),
        )
    else:
        days = stale_days_external.list_stale_days(
            task.optimization,
            spec,
            _load_countable_rows(task),
            sealed,
            rows_by_day,
        )
    return StaleDays(task, tuple(filter(task.plan.find_newest, days)), rows_by_day)


def has_reopened_days(task: CountTask, rows_by_day: RowsByDay) -> bool:
    """Return whether a refresh would count a sealed day of a connected warehouse again.

    `rows_by_day` are rows of the present revision, so its days are looked at alone.
    """
    is_present = task.plan.is_counted_by_present
    sealed = [
        day
        for day in day_records.list_sealed_days(
            task.optimization, task.metric, task.plan, task.spec.as_of
        )
        if is_present(day.day)
    ]
    stored = _load_countable_rows(task)
    stale = stale_days_external.list_stale_days(
        task.optimization,
        task.spec,
        {day: rows for day, rows in stored.items() if is_present(day)},
        sealed,
        {day: rows for day, rows in rows_by_day.items() if is_present(day)},
    )
    return not {day.day for day in sealed}.isdisjoint(stale)


def _load_countable_rows(task: CountTask) -> dict[date, StoredRows]:
    stored = day_records.load_stored_rows(task.optimization, task.metric)
    return {day: rows for day, rows in stored.items() if task.plan.find_newest(day)}


def count_rows(task: CountTask) -> tuple[CountTask, RowsByDay]:
    """Count a connected warehouse's rows by day, each day by its newest revision.

    A replaced revision that fails is left out of the task returned.
    """
    counted: dict[RevisionRegimes, RowsByDay] = {}
    source = task.source
    assert source is not None  # only connected warehouses are asked
    for revision in task.plan.revisions:
        query = task.queries[revision.definition.revision]
        try:
            rows_by_day = task.warehouse.count_rows_by_day(
                _limit_to_days(revision), query, source
            )
        except LeveredError as error:
            if revision == task.plan.present:
                raise
            task = replace(task, plan=count_task.leave_out(task.plan, revision, error))
        else:
            counted[revision.regimes] = rows_by_day
    return task, {
        day: rows
        for regimes, rows_by_day in counted.items()
        for day, rows in rows_by_day.items()
        if (newest := task.plan.find_newest(day)) and newest.regimes == regimes
    }


def _limit_to_days(revision: RevisionPlan) -> CubeSpec:
    """Return the spec without the days before and after those of its regimes."""
    spec, regimes = revision.spec, revision.regimes
    if regimes.first_day != date.min:
        start = datetime.combine(regimes.first_day, time(), UTC)
        spec = replace(spec, history_from=max(start, spec.history_from or start))
    if regimes.last_day != date.max:
        end = datetime.combine(regimes.last_day, time(), UTC) + timedelta(days=1)
        spec = replace(spec, as_of=min(end, spec.as_of))
    return spec

"""Ask a connected warehouse whether it has rows that no training has counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

from django.db.models import Max, Min, Q

from metrics.models import Metric
from optimizations.cube import refresh, specification, storage
from optimizations.cube.refresh import RowsByDay
from optimizations.models import CubeDay, Optimization
from warehouse import connections
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import CubeSpec

NO_ROWS = DayRowCounts(0, 0)


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
    since going live. `is_whole_history` counts all days that are retained, which finds
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
    stored = _load_row_counts(optimization, metric, first_day)
    launch = optimization.went_live_at or optimization.created_at
    since = first_day or launch.astimezone(UTC).date()
    spec = specification.build_cube_spec(optimization, metric, as_of)
    counted = _count_rows(
        optimization, metric, spec if is_whole_history else _read_from(spec, since)
    )
    if any(
        _is_new(
            stored.get(day, NO_ROWS), counted.get(day, NO_ROWS), has_learned=has_learned
        )
        for day in stored.keys() | counted.keys()
        if day >= since
    ):
        return True
    return is_whole_history and _has_late_rows(
        optimization, metric, spec, counted, since
    )


def _has_late_rows(
    optimization: Optimization,
    metric: Metric,
    spec: CubeSpec,
    counted: RowsByDay,
    until: date,
) -> bool:
    """Return whether a refresh would count days before `until` that it did not so far.

    Those are new days with exposures, and sealed days to reopen. Rewards from before the
    first exposure belong to nobody.
    """
    stored_days = set(refresh.list_stored_days(optimization, metric))
    if any(
        rows.exposures and day < until and day not in stored_days
        for day, rows in counted.items()
    ):
        return True
    return refresh.has_reopened_days(optimization, metric, spec, counted)


def _is_new(stored: DayRowCounts, counted: DayRowCounts, *, has_learned: bool) -> bool:
    if stored.exposures != counted.exposures:
        return True
    return has_learned and stored.rewards != counted.rewards


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
    optimization: Optimization, metric: Metric, first_day: date | None
) -> RowsByDay:
    """Return the numbers of rows that the last refresh saw; none without a first day."""
    if first_day is None:
        return {}
    days = CubeDay.objects.filter(
        optimization=optimization, metric=metric, day__gte=first_day
    )
    decoded = (storage.decode_columns(row.day, row.cells) for row in days)
    return {
        day.cells.day: DayRowCounts(day.exposure_rows or 0, day.reward_rows or 0)
        for day in decoded
        if day is not None
    }


def _read_from(spec: CubeSpec, first_day: date) -> CubeSpec:
    """Return the spec without the days before a day."""
    since = datetime.combine(first_day, time(), UTC)
    return replace(spec, history_from=max(since, spec.history_from or since))


def _count_rows(
    optimization: Optimization, metric: Metric, spec: CubeSpec
) -> RowsByDay:
    warehouse = connections.load_backend(spec.organization_id)
    checked, source = specification.validate_queries(optimization, metric, warehouse)
    assert source is not None  # only connected warehouses are asked
    return warehouse.count_rows_by_day(spec, checked, source)

"""Days to count on a connected warehouse: open days, plus sealed days to reopen.

Such a warehouse does not say when a row arrived. stale_days_managed.py is for the
managed store, which does.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from optimizations.cube import stale_days_managed
from optimizations.cube.stale_days_managed import SealedDay
from optimizations.cube.storage import StoredDay
from optimizations.models import Optimization
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import CubeSpec


def list_stale_days(
    optimization: Optimization,
    spec: CubeSpec,
    stored: Iterable[StoredDay],
    sealed: Iterable[SealedDay],
    rows_by_day: Mapping[date, DayRowCounts],
) -> tuple[date, ...]:
    """List, ascending, the days of first touch that a refresh has to count.

    Open days from launch or the first exposure until today, plus sealed days to reopen:
    those whose numbers of rows differ from when they were `stored`. Rows changed in
    place go unnoticed. Days past their retention are left out: `spec` does not read their
    rows, so their counts stay.
    """
    launch = optimization.went_live_at or optimization.created_at
    days_with_exposures = [day for day, rows in rows_by_day.items() if rows.exposures]
    today = spec.as_of.astimezone(UTC).date()
    first = min([launch.astimezone(UTC).date(), today, *days_with_exposures])
    oldest = spec.history_from.astimezone(UTC).date() if spec.history_from else first
    first = max(first, oldest)
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    stored_by_day = {day.day: day for day in stored if day.day >= oldest}
    exposure_days, reward_days = _find_changed_days(stored_by_day, rows_by_day)
    still_sealed = {
        day.day
        for day in sealed
        if day.day < oldest
        or stored_by_day[day.day].exposure_rows is None
        or not _is_affected(
            day.day,
            stale_days_managed.compute_horizon_end(day.day, spec.horizon_hours),
            exposure_days,
            reward_days,
        )
    }
    return tuple(day for day in days if day not in still_sealed)


def _find_changed_days(
    stored: Mapping[date, StoredDay], rows_by_day: Mapping[date, DayRowCounts]
) -> tuple[set[date], set[date]]:
    """Return the days whose number of exposures changed, and those of rewards.

    A day that is not stored had none. Days counted in another warehouse are unchanged.
    """
    exposure_days = {
        day for day, rows in rows_by_day.items() if rows.exposures and day not in stored
    }
    reward_days = set()
    for day, stored_day in stored.items():
        if stored_day.exposure_rows is None:
            continue
        rows = rows_by_day.get(day, DayRowCounts(0, 0))
        if stored_day.exposure_rows != rows.exposures:
            exposure_days.add(day)
        if stored_day.reward_rows != rows.rewards:
            reward_days.add(day)
    return exposure_days, reward_days


def _is_affected(
    day: date,
    horizon_end: datetime,
    exposure_days: set[date],
    reward_days: set[date],
) -> bool:
    """Return whether changed exposures or rewards may change the counts of a day.

    A changed exposure matters until the day's last horizon, however early it is: it may
    move a user from this day to its own. A changed reward matters from the day on.
    """
    last_day = horizon_end.date()
    return any(changed_day <= last_day for changed_day in exposure_days) or any(
        day <= changed_day <= last_day for changed_day in reward_days
    )

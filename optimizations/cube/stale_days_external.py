"""Days to count on a connected warehouse, which does not say when a row arrived."""

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

    From launch or the first exposure until today, except sealed days whose numbers of
    rows are those of when they were `stored`. Rows changed in place go unnoticed.
    """
    launch = optimization.went_live_at or optimization.created_at
    exposed = [day for day, rows in rows_by_day.items() if rows.exposures]
    today = spec.as_of.astimezone(UTC).date()
    first = min([launch.astimezone(UTC).date(), today, *exposed])
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    stored_by_day = {day.day: day for day in stored}
    exposures, rewards = _find_changed_days(stored_by_day, rows_by_day)
    unchanged = {
        day.day
        for day in sealed
        if stored_by_day[day.day].exposure_rows is None
        or not _is_affected(
            day.day,
            stale_days_managed.compute_closing_time(day.day, spec.horizon_hours),
            exposures,
            rewards,
        )
    }
    return tuple(day for day in days if day not in unchanged)


def _find_changed_days(
    stored: Mapping[date, StoredDay], rows_by_day: Mapping[date, DayRowCounts]
) -> tuple[set[date], set[date]]:
    """Return the days whose number of exposures changed, and those of rewards.

    A day that is not stored had none. Days counted in another warehouse are unchanged.
    """
    exposures = {
        day for day, rows in rows_by_day.items() if rows.exposures and day not in stored
    }
    rewards = set()
    for day, before in stored.items():
        if before.exposure_rows is None:
            continue
        rows = rows_by_day.get(day, DayRowCounts(0, 0))
        if before.exposure_rows != rows.exposures:
            exposures.add(day)
        if before.reward_rows != rows.rewards:
            rewards.add(day)
    return exposures, rewards


def _is_affected(
    day: date, closes_at: datetime, exposures: set[date], rewards: set[date]
) -> bool:
    """Return whether changed exposures or rewards may change the counts of a day.

    A changed exposure matters until the day's last horizon, however early it is: it may
    move a user from this day to its own. A changed reward matters from the day on.
    """
    last = closes_at.date()
    return any(changed <= last for changed in exposures) or any(
        day <= changed <= last for changed in rewards
    )

"""Which days of a connected warehouse must be counted (again): it says not when a row came."""

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
    now: Mapping[date, DayRowCounts],
) -> tuple[date, ...]:
    """List, ascending, the days of first touch that a refresh has to count.

    From launch or the first exposure until today, without the sealed days whose rows
    are as many as when they were `stored`. A row that was changed in place is not seen.
    """
    launch = optimization.went_live_at or optimization.created_at
    seen = [day for day, rows in now.items() if rows.exposures]
    today = spec.as_of.astimezone(UTC).date()
    first = min([launch.astimezone(UTC).date(), today, *seen])
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    before = {each.day: each for each in stored}
    exposures, rewards = _find_changed_days(before, now)
    kept = {
        each.day
        for each in sealed
        if before[each.day].exposure_rows is None
        or not _is_affected(
            each.day,
            stale_days_managed.compute_closing_time(each.day, spec.horizon_hours),
            exposures,
            rewards,
        )
    }
    return tuple(day for day in days if day not in kept)


def _find_changed_days(
    stored: Mapping[date, StoredDay], now: Mapping[date, DayRowCounts]
) -> tuple[set[date], set[date]]:
    """Days whose exposures, and days whose rewards are not as many as they were.

    A day that is not stored had none. What was counted in another warehouse stands.
    """
    exposures = {
        day for day, rows in now.items() if rows.exposures and day not in stored
    }
    rewards = set()
    for day, before in stored.items():
        if before.exposure_rows is None:
            continue
        rows = now.get(day, DayRowCounts(0, 0))
        if before.exposure_rows != rows.exposures:
            exposures.add(day)
        if before.reward_rows != rows.rewards:
            rewards.add(day)
    return exposures, rewards


def _is_affected(
    day: date, closes_at: datetime, exposures: set[date], rewards: set[date]
) -> bool:
    """Whether what changed may change a day's counts.

    An exposure does until the day's last horizon, however early: it may move a user of
    the day to its own. A reward does from the day on.
    """
    last = closes_at.date()
    return any(each <= last for each in exposures) or any(
        day <= each <= last for each in rewards
    )

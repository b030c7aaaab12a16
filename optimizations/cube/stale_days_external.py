"""Days to count on a connected warehouse: open days, plus sealed days to reopen.

Such a warehouse does not say when a row arrived. stale_days_managed.py is for the
managed store, which does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from optimizations.cube import stale_days_managed
from optimizations.cube.stale_days_managed import SealedDay
from optimizations.models import Optimization
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.cube.statement import CubeSpec

NO_ROWS = DayRowCounts(0, 0)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of a stored day when it was counted; `rows` is None in another warehouse.

    `changed_at` is when rows that were changed in place or deleted were last seen,
    `counted_at` when the day was counted, `fingerprint` that of the spec then.
    """

    rows: DayRowCounts | None
    changed_at: datetime | None = None
    counted_at: datetime | None = None
    fingerprint: str = ""


def list_stale_days(
    optimization: Optimization,
    spec: CubeSpec,
    stored: Mapping[date, StoredRows],
    sealed: Iterable[SealedDay],
    rows_by_day: Mapping[date, DayRowCounts],
) -> tuple[date, ...]:
    """List, ascending, the days of first touch that a refresh has to count.

    Open days from launch or the first exposure until today, plus sealed days to reopen:
    those whose rows differ in number or content from when they were `stored`. A day whose
    exposures were deleted since it was counted is one of them. Days past their retention
    are left out: `spec` does not read their rows, so their counts stay. So are days before
    those that this warehouse was asked for: another one counted them.
    """
    launch = optimization.went_live_at or optimization.created_at
    days_with_exposures = [day for day, rows in rows_by_day.items() if rows.exposures]
    counted_days = [day for day, rows in stored.items() if rows.rows is not None]
    today = spec.as_of.astimezone(UTC).date()
    launch_day = launch.astimezone(UTC).date()
    first = min([launch_day, today, *days_with_exposures, *counted_days])
    oldest = spec.history_from.astimezone(UTC).date() if spec.history_from else first
    first = max(first, oldest)
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    stored_by_day = {day: rows for day, rows in stored.items() if day >= oldest}
    exposure_days, reward_days = _find_changed_days(stored_by_day, rows_by_day)
    still_sealed = {
        day.day
        for day in sealed
        if day.day < oldest
        or day.day not in stored_by_day
        or stored_by_day[day.day].rows is None
        or not _is_affected(
            day.day,
            stale_days_managed.compute_horizon_end(day.day, spec.horizon_hours),
            exposure_days,
            reward_days,
        )
    }
    return tuple(day for day in days if day not in still_sealed)


def find_days_changed_in_place(
    stored: Mapping[date, StoredRows], rows_by_day: Mapping[date, DayRowCounts]
) -> set[date]:
    """Return the stored days some of whose rows were changed or deleted since.

    Such a day has as many rows as when it was counted, but others, or fewer. Both
    arguments must be about days that the warehouse was asked for.
    """
    return {
        day
        for day, stored_day in stored.items()
        if (before := stored_day.rows) is not None
        if _has_lost_rows(before, rows_by_day.get(day, NO_ROWS))
    }


def _has_lost_rows(before: DayRowCounts, now: DayRowCounts) -> bool:
    if now.exposures < before.exposures or now.rewards < before.rewards:
        return True
    return (before.exposures, before.rewards) == (now.exposures, now.rewards) and (
        has_other_exposures(before, now) or has_other_rewards(before, now)
    )


def _find_changed_days(
    stored: Mapping[date, StoredRows], rows_by_day: Mapping[date, DayRowCounts]
) -> tuple[set[date], set[date]]:
    """Return the days whose exposures changed, and those whose rewards did.

    A day that is not stored had none. Days counted in another warehouse are unchanged.
    """
    exposure_days = {
        day for day, rows in rows_by_day.items() if rows.exposures and day not in stored
    }
    reward_days = set()
    for day, stored_day in stored.items():
        if stored_day.rows is None:
            continue
        rows = rows_by_day.get(day, NO_ROWS)
        if has_other_exposures(stored_day.rows, rows):
            exposure_days.add(day)
        if has_other_rewards(stored_day.rows, rows):
            reward_days.add(day)
    return exposure_days, reward_days


def has_other_exposures(before: DayRowCounts, now: DayRowCounts) -> bool:
    """Return whether exposures differ in number, or in content where that is known."""
    return before.exposures != now.exposures or _is_other_hash(
        before.exposures_hash, now.exposures_hash
    )


def has_other_rewards(before: DayRowCounts, now: DayRowCounts) -> bool:
    """Return whether rewards differ in number, or in content where that is known."""
    return before.rewards != now.rewards or _is_other_hash(
        before.rewards_hash, now.rewards_hash
    )


def _is_other_hash(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and before != now


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

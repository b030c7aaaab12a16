"""Days to count on the managed store: open days, plus sealed days to reopen.

The managed store knows when each row arrived. stale_days_external.py is for connected
warehouses, which do not say.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from levered_site.database import fetch_row, fetch_rows
from optimizations.cube.first_touches import LOOK_BACK_MARGIN
from optimizations.models import Optimization
from warehouse import partitions, write_log
from warehouse.sql.cube.spec_rows import split_excluded_users

# The first event is the earliest stored first touch, or an event after the look-back. The
# look-back's end is a constant, by which the planner can leave partitions out.
SELECT_LOOK_BACK = (
    "SELECT until, first_at FROM look_backs WHERE optimization_id = %(optimization)s"
)
SELECT_FIRST_EVENT = """
SELECT LEAST(
  %(first_at)s,
  (SELECT min(timestamp_utc) FROM managed_exposures
   WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
     AND timestamp_utc >= %(until)s),
  (SELECT min(decided_at) FROM decisions
   WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
     AND decided_at >= %(until)s)
) AS first_event_at
"""

SEALED_DAYS = """
SELECT * FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[],
  %(horizon_ends)s::timestamptz[], %(counted)s::timestamptz[])
  AS s (starts_at, ends_at, horizon_ends_at, counted_at)
"""
LATE_ROWS = """
SELECT anonymous_id, timestamp_utc AS at, created_at FROM managed_exposures
WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
  AND created_at >= %(since)s AND timestamp_utc <= %(last_horizon_end)s
  AND {created_since}
UNION ALL
SELECT anonymous_id, timestamp_utc, created_at FROM managed_rewards
WHERE organization_id = %(organization)s AND created_at >= %(since)s
  AND (optimization_id IS NULL OR optimization_id = %(optimization)s)
  AND (%(reward_names)s::text[] IS NULL OR name = ANY(%(reward_names)s::text[]))
  AND timestamp_utc >= %(first_start)s AND timestamp_utc <= %(last_horizon_end)s
  AND {created_since}
"""
# What cannot count reopens nothing: rewards of names that the metric does not read, and
# excluded users.
COUNTED_ROWS = """
SELECT * FROM ({late}) AS every
WHERE anonymous_id <> ALL(%(excluded_ids)s::text[])
  AND anonymous_id NOT LIKE ALL(%(excluded_patterns)s::text[])
"""
# Up to this many users are looked up in the index of each day; for more, the days are read.
MAX_INDEXED_USERS = 1000
SELECT_LATE_USERS = (
    "SELECT DISTINCT anonymous_id FROM ({late}) AS l LIMIT %(max_users)s"
)
FILTER_BY_USERS = "AND anonymous_id = ANY(%(users)s)"

# On days that were never analyzed the planner expects a row or two on both sides, and would
# loop over thousands times thousands.
DISABLE_NESTED_LOOPS = """
SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)
"""

# A late row matters to a sealed day if its user was touched on that day and the row lies
# before the day's last horizon. So an earlier touch, which moves its user, reopens the
# day that the user leaves and the day that the user joins. A user who returns after the
# horizon is no late row. LOOK_BACK_MARGIN widens the search; write_log.LATE_AFTER_HOURS
# says which rows have notes that the search reads.
SELECT_DAYS_WITH_LATE_ROWS = """
WITH sealed AS ({sealed}), late AS ({late}), touches AS (
  SELECT anonymous_id, timestamp_utc AS at FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc >= %(first_start)s AND timestamp_utc < %(last_end)s {user_filter}
  UNION ALL
  SELECT anonymous_id, decided_at FROM decisions
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND decided_at >= %(first_start)s AND decided_at < %(last_end)s {user_filter}
)
SELECT DISTINCT s.starts_at
FROM late AS l
JOIN touches AS t ON t.anonymous_id = l.anonymous_id
JOIN sealed AS s ON t.at >= s.starts_at AND t.at < s.ends_at
WHERE l.at <= s.horizon_ends_at AND l.created_at >= s.counted_at - %(margin)s
"""

# A first serve after ingested exposures moves the user, whenever it happens. The look-back
# covers all sealed days, so it has the user's first exposure. OFFSET 0 makes the planner
# look up one user at a time.
SELECT_DAYS_WITH_MOVED_USERS = """
WITH sealed AS ({sealed})
SELECT DISTINCT s.starts_at
FROM (
  SELECT anonymous_id, min(decided_at) AS at FROM decisions
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND decided_at >= %(since)s
  GROUP BY anonymous_id
) AS d
CROSS JOIN LATERAL (
  SELECT touched_at, served_at FROM first_touches AS f
  WHERE f.optimization_id = %(optimization)s AND f.anonymous_id = d.anonymous_id
  OFFSET 0
) AS f
JOIN sealed AS s ON f.touched_at >= s.starts_at AND f.touched_at < s.ends_at
WHERE (f.served_at IS NULL OR f.served_at >= %(since)s)
  AND d.at >= s.counted_at - %(margin)s
"""


@dataclass(frozen=True, slots=True)
class SealedDay:
    """A stored day that is sealed, and when it was counted."""

    day: date
    computed_at: datetime


def list_stale_days(
    optimization: Optimization,
    horizon_hours: int,
    sealed: Iterable[SealedDay],
    last_refresh: datetime | None,
    as_of: datetime,
    reward_names: Sequence[str] | None = None,
) -> tuple[date, ...]:
    """List, ascending, the days of first touch that a refresh has to count.

    Open days from launch or the first event (history may be sent in later) until today,
    plus sealed days to reopen: those for which rows arrived since `last_refresh` that may
    count, among rewards those with one of `reward_names`, or any if it is None. Never
    a day whose events are past their retention or were once dropped, even if they were
    sent again. Call `first_touches.store_first_touches` first: it must cover all sealed
    days.
    """
    sealed_by_day = {day.day: day for day in sealed}
    launch = optimization.went_live_at or optimization.created_at
    first = min(filter(None, (_load_first_event_time(optimization), launch, as_of)))
    today = as_of.astimezone(UTC).date()
    since = max(first.astimezone(UTC).date(), _find_oldest_countable_day(today))
    days = _list_dates(since, today)
    sealed_days = {day: sealed_by_day[day] for day in days if day in sealed_by_day}
    reopened_days = _find_reopened_days(
        optimization, horizon_hours, sealed_days, last_refresh, reward_names
    )
    return tuple(day for day in days if day not in sealed_days or day in reopened_days)


def _find_oldest_countable_day(today: date) -> date:
    """Return the first day whose events are within retention and were never dropped."""
    oldest = today - timedelta(days=settings.RETENTION_DAYS)
    partitioned = [*partitions.days("decisions"), *partitions.days("managed_exposures")]
    retained = partitions.load_oldest_retained_day() or oldest
    return max(oldest, min([*partitioned, today]), retained)


def compute_horizon_end(day: date, horizon_hours: int) -> datetime:
    """Return when the horizon ends for the last user first touched on a day."""
    return _compute_day_start(day) + timedelta(days=1, hours=horizon_hours)


def is_sealed(day: date, horizon_hours: int, as_of: datetime) -> bool:
    """Return whether, at `as_of`, a day is past its horizon and late arrivals."""
    late = timedelta(hours=settings.LATE_ARRIVAL_HOURS)
    return as_of >= compute_horizon_end(day, horizon_hours) + late


def compute_seal_boundary(horizon_hours: int, as_of: datetime) -> datetime:
    """Return the start of the first day that is not sealed at `as_of`."""
    wait = timedelta(days=1, hours=horizon_hours + settings.LATE_ARRIVAL_HOURS)
    return _compute_day_start((as_of - wait).astimezone(UTC).date() + timedelta(days=1))


def _load_first_event_time(optimization: Optimization) -> datetime | None:
    params = _build_owner_params(optimization)
    with connection.cursor() as cursor:
        cursor.execute(SELECT_LOOK_BACK, params)
        look_back = fetch_row(cursor)
        since = {"until": look_back.until, "first_at": look_back.first_at}
        cursor.execute(SELECT_FIRST_EVENT, params | since)
        first_event_at: datetime | None = fetch_row(cursor).first_event_at
    return first_event_at


def _find_reopened_days(
    optimization: Optimization,
    horizon_hours: int,
    sealed_days: Mapping[date, SealedDay],
    last_refresh: datetime | None,
    reward_names: Sequence[str] | None,
) -> set[date]:
    """Return the sealed days for which rows arrived since the last refresh."""
    if not sealed_days or last_refresh is None:
        return set()
    since = last_refresh - LOOK_BACK_MARGIN
    created_since, created_params = write_log.build_created_since_condition(
        optimization.organization_id, since
    )
    late_rows = COUNTED_ROWS.format(late=LATE_ROWS.format(created_since=created_since))
    excluded_ids, excluded_prefixes = split_excluded_users(optimization.excluded_users)
    params = _build_owner_params(optimization) | created_params
    params |= _build_sealed_day_params(sealed_days, horizon_hours) | {
        "since": since,
        "margin": LOOK_BACK_MARGIN,
        "max_users": MAX_INDEXED_USERS + 1,
        "reward_names": None if reward_names is None else list(reward_names),
        "excluded_ids": excluded_ids,
        "excluded_patterns": [_escape_like(text) + "%" for text in excluded_prefixes],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISABLE_NESTED_LOOPS)
        cursor.execute(SELECT_DAYS_WITH_MOVED_USERS.format(sealed=SEALED_DAYS), params)
        days = fetch_rows(cursor)
        cursor.execute(SELECT_LATE_USERS.format(late=late_rows), params)
        users = [row.anonymous_id for row in fetch_rows(cursor)]
        if users:
            statement = SELECT_DAYS_WITH_LATE_ROWS.format(
                sealed=SEALED_DAYS,
                late=late_rows,
                user_filter=FILTER_BY_USERS if len(users) <= MAX_INDEXED_USERS else "",
            )
            cursor.execute(statement, params | {"users": users})
            days += fetch_rows(cursor)
    return {day.starts_at.astimezone(UTC).date() for day in days}


def _build_sealed_day_params(
    sealed_days: Mapping[date, SealedDay], horizon_hours: int
) -> dict[str, Any]:
    days = sorted(sealed_days)
    starts = [_compute_day_start(day) for day in days]
    ends = [start + timedelta(days=1) for start in starts]
    horizon_ends = [compute_horizon_end(day, horizon_hours) for day in days]
    return {
        "starts": starts,
        "ends": ends,
        "horizon_ends": horizon_ends,
        "counted": [sealed_days[day].computed_at for day in days],
        "first_start": starts[0],
        "last_end": ends[-1],
        "last_horizon_end": horizon_ends[-1],
    }


def _escape_like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _build_owner_params(optimization: Optimization) -> dict[str, Any]:
    return {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
    }


def _compute_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _list_dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]

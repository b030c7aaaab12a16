"""Which days must be counted (again): the open ones, and sealed ones that rows came late for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from optimizations.cube.first_touches import LOOK_BACK_MARGIN
from optimizations.models import Optimization
from warehouse import partitions, write_log

# What is kept, and then the rest: by a constant that the planner can leave days out by.
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
)
"""

SEALED_DAYS = """
SELECT * FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[],
  %(closes)s::timestamptz[], %(counted)s::timestamptz[])
  AS s (starts_at, ends_at, closes_at, counted_at)
"""
LATE_ROWS = """
SELECT anonymous_id, timestamp_utc AS at, created_at FROM managed_exposures
WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
  AND created_at >= %(since)s AND timestamp_utc <= %(last_close)s AND {came}
UNION ALL
SELECT anonymous_id, timestamp_utc, created_at FROM managed_rewards
WHERE organization_id = %(organization)s AND created_at >= %(since)s
  AND (optimization_id IS NULL OR optimization_id = %(optimization)s)
  AND timestamp_utc >= %(first_start)s AND timestamp_utc <= %(last_close)s AND {came}
"""
# Few users are looked up by the index of each day; for many the days are read once.
MAX_INDEXED_USERS = 1000
SELECT_LATE_USERS = "SELECT DISTINCT anonymous_id FROM ({late}) AS l LIMIT %(enough)s"
FILTER_BY_USERS = "AND anonymous_id = ANY(%(users)s)"

# On days that were never analyzed the planner takes both sides for a row or two, and would
# loop over thousands by thousands.
DISABLE_NESTED_LOOPS = """
SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)
"""

# A late row matters to a sealed day when its user was touched on that day and it lies
# before the day's last horizon: so an earlier touch, which moves its user, opens the
# day it takes the user from and the day it brings them to. Users who come back later
# are not late.
SELECT_DAYS_WITH_LATE_ROWS = """
WITH sealed AS ({sealed}), late AS ({late}), touches AS (
  SELECT anonymous_id, timestamp_utc AS at FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc >= %(first_start)s AND timestamp_utc < %(last_end)s {of_users}
  UNION ALL
  SELECT anonymous_id, decided_at FROM decisions
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND decided_at >= %(first_start)s AND decided_at < %(last_end)s {of_users}
)
SELECT DISTINCT s.starts_at
FROM late AS l
JOIN touches AS t ON t.anonymous_id = l.anonymous_id
JOIN sealed AS s ON t.at >= s.starts_at AND t.at < s.ends_at
WHERE l.at <= s.closes_at AND l.created_at >= s.counted_at - %(margin)s
"""

# A first serve after ingested exposures moves the user whenever it comes. Sealed days
# are behind the look-back, which has the user's first exposure; OFFSET keeps it a
# look-up each.
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
    """A stored day that is closed, and when it was counted."""

    day: date
    computed_at: datetime


def list_stale_days(
    optimization: Optimization,
    horizon_hours: int,
    sealed: Iterable[SealedDay],
    looked_at: datetime | None,
    as_of: datetime,
) -> tuple[date, ...]:
    """List, ascending, the days of first touch that a refresh has to count.

    From launch or the first event (history may be sent in later) until today, without
    the sealed days that nothing came late for since `looked_at`, the last refresh; and
    never a day whose events are past their retention, or were once and are dropped, sent
    again or not. Whoever was
    touched before the sealed days' ends must be kept in `look_back`.
    """
    kept = {each.day: each for each in sealed}
    launch = optimization.went_live_at or optimization.created_at
    first = min(filter(None, (_load_first_event_time(optimization), launch, as_of)))
    today = as_of.astimezone(UTC).date()
    oldest = today - timedelta(days=settings.RETENTION_DAYS)
    held = [*partitions.days("decisions"), *partitions.days("managed_exposures"), today]
    since = max(oldest, min(held), partitions.load_oldest_retained_day() or oldest)
    days = _list_dates(max(first.astimezone(UTC).date(), since), today)
    closed = {day: kept[day] for day in days if day in kept}
    reopened = _find_reopened_days(optimization, horizon_hours, closed, looked_at)
    return tuple(day for day in days if day not in closed or day in reopened)


def compute_closing_time(day: date, horizon_hours: int) -> datetime:
    """Tell when the horizon of the last user first touched on a day has passed."""
    return _compute_day_start(day) + timedelta(days=1, hours=horizon_hours)


def is_sealed(day: date, horizon_hours: int, as_of: datetime) -> bool:
    """Tell whether a day counted at `as_of` is past its horizon and late arrivals."""
    late = timedelta(hours=settings.LATE_ARRIVAL_HOURS)
    return as_of >= compute_closing_time(day, horizon_hours) + late


def compute_seal_boundary(horizon_hours: int, as_of: datetime) -> datetime:
    """Tell the start of the first day that is not sealed at `as_of`."""
    wait = timedelta(days=1, hours=horizon_hours + settings.LATE_ARRIVAL_HOURS)
    return _compute_day_start((as_of - wait).astimezone(UTC).date() + timedelta(days=1))


def _load_first_event_time(optimization: Optimization) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(SELECT_LOOK_BACK, _build_owner_params(optimization))
        until, first_at = cursor.fetchone()
        since = {"until": until, "first_at": first_at}
        cursor.execute(SELECT_FIRST_EVENT, _build_owner_params(optimization) | since)
        (first,) = cursor.fetchone()
    found: datetime | None = first
    return found


def _find_reopened_days(
    optimization: Optimization,
    horizon_hours: int,
    sealed: Mapping[date, SealedDay],
    looked_at: datetime | None,
) -> set[date]:
    if not sealed or looked_at is None:
        return set()
    days = sorted(sealed)
    closes = [compute_closing_time(day, horizon_hours) for day in days]
    values = _build_owner_params(optimization) | {
        "starts": [_compute_day_start(day) for day in days],
        "ends": [_compute_day_start(day) + timedelta(days=1) for day in days],
        "closes": closes,
        "counted": [sealed[day].computed_at for day in days],
        "first_start": _compute_day_start(days[0]),
        "last_end": _compute_day_start(days[-1]) + timedelta(days=1),
        "last_close": closes[-1],
        "since": looked_at - LOOK_BACK_MARGIN,
        "margin": LOOK_BACK_MARGIN,
        "enough": MAX_INDEXED_USERS + 1,
    }
    came, stretches = write_log.build_created_since_condition(
        optimization.organization_id, values["since"]
    )
    rows = LATE_ROWS.format(came=came)
    values |= stretches
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISABLE_NESTED_LOOPS)
        cursor.execute(SELECT_DAYS_WITH_MOVED_USERS.format(sealed=SEALED_DAYS), values)
        found = cursor.fetchall()
        cursor.execute(SELECT_LATE_USERS.format(late=rows), values)
        values["users"] = [user for (user,) in cursor.fetchall()]
        if values["users"]:
            few = FILTER_BY_USERS if len(values["users"]) <= MAX_INDEXED_USERS else ""
            text = SELECT_DAYS_WITH_LATE_ROWS.format(
                sealed=SEALED_DAYS, late=rows, of_users=few
            )
            cursor.execute(text, values)
            found += cursor.fetchall()
    return {start.astimezone(UTC).date() for (start,) in found}


def _build_owner_params(optimization: Optimization) -> dict[str, Any]:
    return {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
    }


def _compute_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _list_dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]

"""Notes of past days that received late events, so that a search for them reads little."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from warehouse.models import LateDay

DAY = timedelta(days=1)
# An event is late if it is stored more than this after its own time. Its day is noted.
# Searches for late rows also go back by LOOK_BACK_MARGIN of
# optimizations/cube/first_touches.py. Migration 0006 repeats this number for rows that
# were stored before there were notes. settings.LATE_ARRIVAL_HOURS is another rule: it
# delays sealing.
LATE_AFTER_HOURS = 12
# Twice that: the events without a note are no older than this when they are stored.
ON_TIME_MARGIN = timedelta(hours=2 * LATE_AFTER_HOURS)
# Twice the minute within which NOTE_LATE_DAYS does not note the same day again.
NOTE_MARGIN = timedelta(minutes=2)

# Part of the statement that stores a batch of rows called `sent`: writes one note for each
# day with late events. Batches of one backfill would queue for the same note, so a note is
# not rewritten within a minute. The days are ordered to prevent deadlocks.
NOTE_LATE_DAYS_TEMPLATE = """
  INSERT INTO late_days AS mine (organization_id, day, noted_at)
  SELECT %(organization)s, day, now()
  FROM (
    SELECT DISTINCT CAST(timestamp_utc AT TIME ZONE 'UTC' AS date) AS day FROM sent
    WHERE timestamp_utc < now() - interval '{late_after_hours} hours'
  ) AS late
  WHERE NOT EXISTS (
    SELECT FROM late_days AS l
    WHERE l.organization_id = %(organization)s AND l.day = late.day
      AND l.noted_at > now() - interval '1 minute')
  ORDER BY day
  ON CONFLICT (organization_id, day) DO UPDATE
    SET noted_at = GREATEST(mine.noted_at, excluded.noted_at)
"""
NOTE_LATE_DAYS = NOTE_LATE_DAYS_TEMPLATE.format(late_after_hours=LATE_AFTER_HOURS)


def build_created_since_condition(
    organization_id: str, since: datetime
) -> tuple[str, dict[str, Any]]:
    """Return a condition on `timestamp_utc` that events created since then satisfy.

    Returns the SQL text and its named parameters. The condition consists of ranges with
    constant ends, so the planner leaves out the partitions between them.
    """
    late_days = LateDay.objects.filter(
        organization_id=organization_id, noted_at__gte=since - NOTE_MARGIN
    )
    parts, values = ["timestamp_utc >= %(came_on_time)s"], {}
    values["came_on_time"] = since - ON_TIME_MARGIN
    for number, (first, last) in enumerate(
        _group_consecutive_days(late_days.values_list("day", flat=True))
    ):
        parts.append(
            f"timestamp_utc >= %(late_{number}_from)s"
            f" AND timestamp_utc < %(late_{number}_to)s"
        )
        values[f"late_{number}_from"] = _compute_day_start(first)
        values[f"late_{number}_to"] = _compute_day_start(last) + DAY
    return f"({' OR '.join(parts)})", values


def delete_late_days_before(day: date) -> None:
    """Delete the notes of days whose events were dropped."""
    LateDay.objects.filter(day__lt=day).delete()


def _group_consecutive_days(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return the first and the last day of each range of consecutive days."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and day - ranges[-1][1] <= DAY:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _compute_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

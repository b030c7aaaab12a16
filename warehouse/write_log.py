"""Which past days were written to lately: a search for late rows reads those alone."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from warehouse.models import LateDay

DAY = timedelta(days=1)
# Twice the twelve hours after which NOTE calls an event late.
ON_TIME_MARGIN = DAY
# Twice the minute within which NOTE leaves a day as it was noted.
NOTE_MARGIN = timedelta(minutes=2)

# For the statement that keeps a batch, whose rows are called `sent`: one note for each day
# that events came late for. Batches of one backfill would queue for the same note, so it is
# left alone for a minute; in order, so that none wait for each other in a circle.
NOTE_LATE_DAYS = """
  INSERT INTO late_days AS mine (organization_id, day, noted_at)
  SELECT %(organization)s, day, now()
  FROM (
    SELECT DISTINCT CAST(timestamp_utc AT TIME ZONE 'UTC' AS date) AS day FROM sent
    WHERE timestamp_utc < now() - interval '12 hours'
  ) AS came
  WHERE NOT EXISTS (
    SELECT FROM late_days AS l
    WHERE l.organization_id = %(organization)s AND l.day = came.day
      AND l.noted_at > now() - interval '1 minute')
  ORDER BY day
  ON CONFLICT (organization_id, day) DO UPDATE
    SET noted_at = GREATEST(mine.noted_at, excluded.noted_at)
"""


def build_created_since_condition(
    organization_id: str, since: datetime
) -> tuple[str, dict[str, Any]]:
    """Write, of `timestamp_utc`, where the events stamped `created_at >= since` may lie.

    Returns the condition and its named values. Stretches with constant ends: the planner
    leaves out the partitions between.
    """
    noted = LateDay.objects.filter(
        organization_id=organization_id, noted_at__gte=since - NOTE_MARGIN
    )
    parts, values = ["timestamp_utc >= %(came_on_time)s"], {}
    values["came_on_time"] = since - ON_TIME_MARGIN
    for number, (first, last) in enumerate(
        _group_consecutive_days(noted.values_list("day", flat=True))
    ):
        parts.append(
            f"timestamp_utc >= %(late_{number}_from)s"
            f" AND timestamp_utc < %(late_{number}_to)s"
        )
        values[f"late_{number}_from"] = _compute_day_start(first)
        values[f"late_{number}_to"] = _compute_day_start(last) + DAY
    return f"({' OR '.join(parts)})", values


def delete_late_days_before(day: date) -> None:
    """Forget the notes of days whose events are gone."""
    LateDay.objects.filter(day__lt=day).delete()


def _group_consecutive_days(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last of each run of days that follow one another."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] <= DAY:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def _compute_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

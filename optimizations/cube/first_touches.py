"""Who was touched before the open days: kept by user, so that no refresh reads it again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from optimizations.models import Optimization
from warehouse import write_log

# A row is stamped when its statement starts and seen when it is committed: rows stamped
# this long before the last look may have been missed by it.
LOOK_BACK_MARGIN = timedelta(minutes=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # longer than any event

# Two refreshes at once: the second waits here, and then finds nothing left to do.
INSERT_LOOK_BACK = """
INSERT INTO look_backs (optimization_id, organization_id, until, kept_at)
VALUES (%(optimization)s, %(organization)s, %(long_ago)s, %(long_ago)s)
ON CONFLICT DO NOTHING
"""
LOCK_LOOK_BACK = """
SELECT until, kept_at FROM look_backs
WHERE optimization_id = %(optimization)s FOR UPDATE
"""

# The days that are new behind the mark, and what came since for the days before it.
UPSERT_FIRST_TOUCHES = """
WITH touches AS (
  SELECT anonymous_id, timestamp_utc AS at, false AS served FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc >= %(known_until)s AND timestamp_utc < %(until)s
  UNION ALL
  SELECT anonymous_id, timestamp_utc, false FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc < %(known_until)s AND created_at >= %(since)s AND {came}
  UNION ALL
  SELECT anonymous_id, decided_at, true FROM decisions
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND decided_at >= %(served_since)s AND decided_at < %(until)s
), kept AS (
  INSERT INTO first_touches AS mine
    (organization_id, optimization_id, anonymous_id, touched_at, served_at)
  SELECT %(organization)s, %(optimization)s, anonymous_id, min(at),
         min(at) FILTER (WHERE served)
  FROM touches
  GROUP BY anonymous_id
  ON CONFLICT (optimization_id, anonymous_id) DO UPDATE
    SET touched_at = LEAST(mine.touched_at, excluded.touched_at),
        served_at = LEAST(mine.served_at, excluded.served_at)
    WHERE excluded.touched_at < mine.touched_at
       OR excluded.served_at < COALESCE(mine.served_at, 'infinity')
  RETURNING touched_at
)
UPDATE look_backs
SET until = %(until)s, kept_at = now(),
    first_at = LEAST(first_at, (SELECT min(touched_at) FROM kept))
WHERE optimization_id = %(optimization)s
"""


@transaction.atomic
def store_first_touches(optimization: Optimization, until: datetime) -> None:
    """Remember everybody who was touched before this moment, or a later one kept before.

    Costs the touches of the days between the last call and this one; the first call reads
    all history. Committed with the transaction around it, if there is one.
    """
    values: dict[str, Any] = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        "long_ago": EPOCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_LOOK_BACK, values)
        cursor.execute(LOCK_LOOK_BACK, values)
        known_until, kept_at = cursor.fetchone()
        since = max(kept_at, EPOCH + LOOK_BACK_MARGIN) - LOOK_BACK_MARGIN
        values |= {
            "known_until": known_until,
            "until": max(until, known_until),
            "since": since,
            "served_since": min(known_until, since),
        }
        came, stretches = write_log.build_created_since_condition(
            optimization.organization_id, since
        )
        cursor.execute(UPSERT_FIRST_TOUCHES.format(came=came), values | stretches)

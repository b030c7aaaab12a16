"""First touches stored per user, so that a refresh need not read old events again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from levered_site.database import fetch_row
from optimizations.configuration import recording_gaps
from optimizations.cube import clock_jumps
from optimizations.models import Optimization
from warehouse import write_log

# A row is stamped when its statement starts and becomes visible at the commit: a look may
# miss rows that were stamped this long before it. So every search for late rows goes
# back this much further. Which rows are late: see write_log.LATE_AFTER_HOURS.
LOOK_BACK_MARGIN = timedelta(minutes=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # before any event

# Of two refreshes at once, the second waits at the lock and then has nothing left to do.
INSERT_LOOK_BACK = """
INSERT INTO look_backs (optimization_id, organization_id, until, kept_at)
VALUES (%(optimization)s, %(organization)s, %(epoch)s, %(epoch)s)
ON CONFLICT DO NOTHING
"""
LOCK_LOOK_BACK = """
SELECT until, kept_at FROM look_backs
WHERE optimization_id = %(optimization)s FOR UPDATE
"""

# Reads the days that become covered, and rows that arrived since for the days before.
UPSERT_FIRST_TOUCHES = """
WITH touches AS (
  SELECT anonymous_id, timestamp_utc AS at, false AS served FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc >= %(covered_until)s AND timestamp_utc < %(until)s
  UNION ALL
  SELECT anonymous_id, timestamp_utc, false FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc < %(covered_until)s AND created_at >= %(since)s
    AND {created_since}
  UNION ALL
  SELECT anonymous_id, decided_at, true FROM decisions
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND decided_at >= %(served_since)s AND decided_at < %(until)s
), upserted AS (
  INSERT INTO first_touches AS existing
    (organization_id, optimization_id, anonymous_id, touched_at, served_at)
  SELECT %(organization)s, %(optimization)s, anonymous_id, min(at),
         min(at) FILTER (WHERE served)
  FROM touches
  WHERE NOT EXISTS (
    SELECT FROM unnest(%(gap_starts)s::timestamptz[], %(gap_ends)s::timestamptz[])
      AS gap (starts_at, ends_at)
    WHERE at >= gap.starts_at AND at < COALESCE(gap.ends_at, 'infinity'))
  GROUP BY anonymous_id
  ON CONFLICT (optimization_id, anonymous_id) DO UPDATE
    SET touched_at = LEAST(existing.touched_at, excluded.touched_at),
        served_at = LEAST(existing.served_at, excluded.served_at)
    WHERE excluded.touched_at < existing.touched_at
       OR excluded.served_at < COALESCE(existing.served_at, 'infinity')
  RETURNING touched_at
)
UPDATE look_backs
SET until = %(until)s, kept_at = now(),
    first_at = LEAST(first_at, (SELECT min(touched_at) FROM upserted))
WHERE optimization_id = %(optimization)s
"""


@transaction.atomic
def store_first_touches(optimization: Optimization, until: datetime) -> None:
    """Store the first touch of every user who was touched before `until`, while it counts.

    Where an earlier call went beyond `until`, its moment stays. Costs the touches of the
    days between the last call and this one; the first call reads all history. Commits
    with the transaction around it, if there is one.
    """
    params: dict[str, Any] = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        "epoch": EPOCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_LOOK_BACK, params)
        cursor.execute(LOCK_LOOK_BACK, params)
        look_back = fetch_row(cursor)
        covered_until, kept_at = look_back.until, look_back.kept_at
        if kept_at > clock_jumps.compute_latest_stamp():
            # Kept by a clock that was set back since: rows have come in what it covers.
            covered_until = kept_at = EPOCH
        since = max(kept_at, EPOCH + LOOK_BACK_MARGIN) - LOOK_BACK_MARGIN
        params |= {
            "covered_until": covered_until,
            "until": max(until, covered_until),
            "since": since,
            "served_since": min(covered_until, since),
        }
        gaps = recording_gaps.list_gaps(optimization)
        params |= {
            "gap_starts": [gap.starts_at for gap in gaps],
            "gap_ends": [gap.ends_at for gap in gaps],
        }
        created_since, created_params = write_log.build_created_since_condition(
            optimization.organization_id, since
        )
        statement = UPSERT_FIRST_TOUCHES.format(created_since=created_since)
        cursor.execute(statement, params | created_params)

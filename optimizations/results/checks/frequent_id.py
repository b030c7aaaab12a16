"""Check whether one id makes up too many of the latest exposures: a shared or broken id."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from levered_site import database
from metrics import stats
from optimizations.models import Optimization
from warehouse import connections

MAX_EXPOSURES = 2000
RECENT = timedelta(days=7)
NOT_MANAGED = (
    "exposures of a connected warehouse are counted there; their ids are not read"
)

# The index by optimization and time bounds what is read, however long the history is and
# however many users are excluded.
SELECT_MOST_FREQUENT_ID = """
SELECT anonymous_id, count(*) AS exposures, sum(count(*)) OVER () AS total
FROM (
  SELECT anonymous_id FROM managed_exposures
  WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
    AND timestamp_utc >= %(since)s
  ORDER BY timestamp_utc DESC LIMIT %(latest)s
) AS latest
WHERE NOT anonymous_id = ANY(%(excluded)s)
  AND NOT EXISTS (
    SELECT FROM unnest(%(prefixes)s::text[]) AS prefix
    WHERE starts_with(anonymous_id, prefix)
  )
GROUP BY anonymous_id ORDER BY exposures DESC, anonymous_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class OneIdCheck:
    """The largest share (0 to 1) of recent exposures that one id has.

    `ok` and `share` are None where that cannot be told. `anonymous_id` is named where
    the check fails.
    """

    ok: bool | None
    share: float | None
    limit: float
    reason: str | None
    anonymous_id: str | None = None


def check_one_id(optimization: Optimization) -> OneIdCheck:
    """Check the latest 2,000 exposures of the last 7 days, without excluded users.

    Only exposures that were sent in can tell: serving a known user again is not stored.
    """
    if connections.is_connected(optimization.organization_id):
        return OneIdCheck(None, None, stats.ONE_ID_SHARE, NOT_MANAGED)
    row = _load_most_frequent_id(optimization)
    exposures, total = (row.exposures, int(row.total)) if row else (0, 0)
    check = stats.check_one_id(exposures, total)
    return OneIdCheck(
        ok=check.ok,
        share=check.share,
        limit=check.limit,
        reason=check.reason,
        anonymous_id=row.anonymous_id if row and check.ok is False else None,
    )


def _load_most_frequent_id(optimization: Optimization) -> Any:
    """Return the id with the most exposures, their number and that of all; or None."""
    if optimization.went_live_at is None:
        return None
    excluded = optimization.excluded_users
    parameters: dict[str, Any] = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        "since": timezone.now() - RECENT,
        "excluded": [text for text in excluded if not text.endswith("*")],
        "prefixes": [text[:-1] for text in excluded if text.endswith("*")],
        "latest": MAX_EXPOSURES,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_MOST_FREQUENT_ID, parameters)
        return next(iter(database.fetch_rows(cursor)), None)

"""Looking at observations: the cube's cells, or the latest touches with their rewards."""

from typing import Any

from django.db import connection

from levered_site.errors import ConflictError
from optimizations.models import Optimization
from optimizations.results import stored
from warehouse import connections
from warehouse.sql.cube.statement import Cell

Json = dict[str, Any]
MAX_TOUCHES = 100

TOUCHES_NOT_MANAGED = (
    "The latest touches are shown of the managed warehouse alone; these are in the "
    "organization's own: POST /warehouse/query reads them there, "
    "POST /warehouse/assignment-sources/:id/preview shows some."
)

SELECT_LATEST_TOUCHES = """
(SELECT anonymous_id, decided_at AS at, 'serve' AS source, variant, context,
   policy_version, in_holdout
 FROM decisions
 WHERE optimization_id = %(optimization)s ORDER BY decided_at DESC LIMIT %(latest)s)
UNION ALL
(SELECT anonymous_id, timestamp_utc, 'ingest', variant, context, policy_version, NULL
 FROM managed_exposures
 WHERE organization_id = %(organization)s AND optimization_id = %(optimization)s
 ORDER BY timestamp_utc DESC LIMIT %(latest)s)
ORDER BY at DESC LIMIT %(latest)s
"""
SELECT_REWARDS = """
SELECT anonymous_id, name, value, timestamp_utc
FROM managed_rewards
WHERE organization_id = %(organization)s AND anonymous_id = ANY(%(users)s)
  AND (optimization_id IS NULL OR optimization_id = %(optimization)s)
ORDER BY timestamp_utc DESC LIMIT 1000
"""


def list_cells(optimization: Optimization) -> tuple[Cell, ...]:
    """Return the stored cells of the reward metric, newest day first."""
    found = stored.load_reward_cube(optimization).cells
    return tuple(sorted(found, key=lambda cell: cell.day, reverse=True))


def list_latest_touches(optimization: Optimization) -> list[Json]:
    """Return the latest 100 touches, newest first, each with its user's rewards.

    Of the managed store. Raises ConflictError for a connected warehouse.
    """
    if connections.is_connected(optimization.organization_id):
        raise ConflictError(TOUCHES_NOT_MANAGED)
    values: Json = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        "latest": MAX_TOUCHES,
    }
    touches = _fetch_rows(SELECT_LATEST_TOUCHES, values)
    users = sorted({touch["anonymous_id"] for touch in touches})
    rewards: dict[str, list[Json]] = {user: [] for user in users}
    for reward in _fetch_rows(SELECT_REWARDS, values | {"users": users}):
        rewards[reward.pop("anonymous_id")].append(reward)
    return [touch | {"rewards": rewards[touch["anonymous_id"]]} for touch in touches]


def _fetch_rows(text: str, values: Json) -> list[Json]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

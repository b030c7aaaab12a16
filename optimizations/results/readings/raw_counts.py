"""The raw data behind results: the cube's cells, and the latest touches."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from levered_site import database
from levered_site.errors import ConflictError
from optimizations.cube import cell_columns, count_record, refresh
from optimizations.models import Optimization
from optimizations.results import count_notes, stored
from warehouse import connections
from warehouse.sql.cube.statement import Cell

MAX_TOUCHES = 100

TOUCHES_NOT_MANAGED = (
    "The latest touches can be listed for the managed warehouse only, and this "
    "organization has connected its own: read them there with POST /warehouse/query, or "
    "see some with POST /warehouse/assignment-sources/:id/preview."
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


@dataclass(frozen=True, slots=True)
class TouchReward:
    """A reward of a touched user."""

    name: str
    value: float | None
    timestamp_utc: datetime


@dataclass(frozen=True, slots=True)
class Touch:
    """A user who was served a variant or reported as exposed to one."""

    anonymous_id: str
    at: datetime
    source: str
    variant: Any
    context: Any
    policy_version: int | None
    in_holdout: bool | None
    rewards: list[TouchReward]


@dataclass(frozen=True, slots=True)
class CellsPage:
    """Stored cells, whether more follow, when they were counted, and notes of that."""

    cells: list[Cell]
    has_more: bool
    as_of: datetime | None = None
    notes: Sequence[str] = ()


def list_cells(optimization: Optimization, start: int, limit: int) -> CellsPage:
    """Return `limit` stored cells of the reward metric from place `start` on.

    The newest day comes first. Only the days up to the end of the page are decoded.
    """
    cells: list[Cell] = []
    if optimization.went_live_at is None:
        return CellsPage(cells, has_more=False)
    metric = stored.require_reward_metric(optimization)
    for day in refresh.iterate_days(
        optimization, metric, newest_first=True, all_revisions=True
    ):
        if start < len(day):
            end = start + limit + 1 - len(cells)
            cells += cell_columns.build_cells(day, start, end)
        if len(cells) > limit:
            break
        start = max(start - len(day), 0)
    record = count_record.load_count_record(optimization, metric)
    return CellsPage(
        cells[:limit],
        has_more=len(cells) > limit,
        as_of=record.as_of,
        notes=count_notes.list_notes(record),
    )


def list_latest_touches(optimization: Optimization) -> list[Touch]:
    """Return the latest 100 touches, newest first, each with its user's rewards.

    They come from the managed store. Raises ConflictError for a connected warehouse.
    """
    if connections.is_connected(optimization.organization_id):
        raise ConflictError(TOUCHES_NOT_MANAGED)
    parameters = {
        "organization": optimization.organization_id,
        "optimization": optimization.pk,
        "latest": MAX_TOUCHES,
    }
    touches = _fetch_rows(SELECT_LATEST_TOUCHES, parameters)
    users = sorted({touch.anonymous_id for touch in touches})
    rewards: defaultdict[str, list[TouchReward]] = defaultdict(list)
    for row in _fetch_rows(SELECT_REWARDS, parameters | {"users": users}):
        reward = TouchReward(row.name, row.value, row.timestamp_utc)
        rewards[row.anonymous_id].append(reward)
    return [
        Touch(
            anonymous_id=touch.anonymous_id,
            at=touch.at,
            source=touch.source,
            variant=touch.variant,
            context=touch.context,
            policy_version=touch.policy_version,
            in_holdout=touch.in_holdout,
            rewards=rewards[touch.anonymous_id],
        )
        for touch in touches
    ]


def _fetch_rows(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return database.fetch_rows(cursor)

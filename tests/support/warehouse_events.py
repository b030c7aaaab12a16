"""Stores touches and rewards in the managed store, as serving and ingestion would."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from tests.support.reference_cube import Reward, Touch
from warehouse import partitions, write_log

NOTE_LATE_DAYS = f"""
WITH sent AS (SELECT unnest(%(times)s::timestamptz[]) AS timestamp_utc),
noted AS ({write_log.NOTE_LATE_DAYS})
SELECT"""
_numbers = itertools.count(1)


def store_events(
    organization_id: str,
    optimization_id: str,
    touches: Sequence[Touch],
    rewards: Sequence[Reward] = (),
) -> None:
    """Store receipts, exposures and rewards; create missing partitions."""
    moments = [touch.at for touch in touches] + [reward.at for reward in rewards]
    days = {at.astimezone(UTC).date() for at in moments}
    for table in partitions.PARTITIONED_TABLES:
        partitions.ensure_partitions(table, days)
    ids = (organization_id, optimization_id)
    receipt_rows = [
        (next(_numbers), *ids, *_build_receipt_row(touch))
        for touch in touches
        if touch.served
    ]
    exposure_rows = [
        (*ids, *_build_exposure_row(touch)) for touch in touches if not touch.served
    ]
    reward_rows = [(organization_id, *_build_reward_row(reward)) for reward in rewards]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO decisions (id, organization_id, optimization_id, anonymous_id,"
            " variant_number, variant, context, in_holdout, policy_version, propensity,"
            " decided_at) VALUES (%s, %s, %s, %s, 1, %s, %s, %s, %s, 0.5, %s)",
            receipt_rows,
        )
        cursor.executemany(
            "INSERT INTO managed_exposures (organization_id, optimization_id,"
            " anonymous_id, variant, context, policy_version, timestamp_utc)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            exposure_rows,
        )
        cursor.executemany(
            "INSERT INTO managed_rewards (organization_id, optimization_id,"
            " anonymous_id, name, value, timestamp_utc) VALUES (%s, %s, %s, %s, %s, %s)",
            reward_rows,
        )
        cursor.execute(
            NOTE_LATE_DAYS, {"organization": organization_id, "times": moments}
        )


def _build_receipt_row(touch: Touch) -> tuple[Any, ...]:
    return (
        touch.user,
        touch.variant,
        touch.context,
        bool(touch.in_holdout),
        touch.policy_version or 0,
        touch.at,
    )


def _build_exposure_row(touch: Touch) -> tuple[Any, ...]:
    return (touch.user, touch.variant, touch.context, touch.policy_version, touch.at)


def _build_reward_row(reward: Reward) -> tuple[Any, ...]:
    return (
        reward.optimization_id,
        reward.user,
        reward.name,
        reward.value,
        reward.at,
    )


def parse_moment(text: str) -> datetime:
    """Read `2026-03-02 10:30`, as UTC unless it has an offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

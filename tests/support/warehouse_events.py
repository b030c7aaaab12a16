"""Puts touches and rewards into the managed store, as serving and ingestion would."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from tests.support.reference_cube import Reward, Touch
from warehouse import partitions, write_log

NOTED_AT = f"""
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
    """Write receipts, exposures and rewards; days that are missing are made."""
    moments = [one.at for one in touches] + [one.at for one in rewards]
    days = {at.astimezone(UTC).date() for at in moments}
    for table in partitions.PARTITIONED_TABLES:
        partitions.ensure_partitions(table, days)
    who = (organization_id, optimization_id)
    served = [
        (next(_numbers), *who, *_receipt_row(one)) for one in touches if one.served
    ]
    sent = [(*who, *_exposure_row(one)) for one in touches if not one.served]
    earned = [(organization_id, *_reward_row(one)) for one in rewards]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO decisions (id, organization_id, optimization_id, anonymous_id,"
            " variant_number, variant, context, in_holdout, policy_version, propensity,"
            " decided_at) VALUES (%s, %s, %s, %s, 1, %s, %s, %s, %s, 0.5, %s)",
            served,
        )
        cursor.executemany(
            "INSERT INTO managed_exposures (organization_id, optimization_id,"
            " anonymous_id, variant, context, policy_version, timestamp_utc)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            sent,
        )
        cursor.executemany(
            "INSERT INTO managed_rewards (organization_id, optimization_id,"
            " anonymous_id, name, value, timestamp_utc) VALUES (%s, %s, %s, %s, %s, %s)",
            earned,
        )
        cursor.execute(NOTED_AT, {"organization": organization_id, "times": moments})


def _receipt_row(one: Touch) -> tuple[Any, ...]:
    held = bool(one.in_holdout)
    return (one.user, one.variant, one.context, held, one.policy_version or 0, one.at)


def _exposure_row(one: Touch) -> tuple[Any, ...]:
    return (one.user, one.variant, one.context, one.policy_version, one.at)


def _reward_row(one: Reward) -> tuple[Any, ...]:
    return (one.optimization_id, one.user, one.name, one.value, one.at)


def parse_moment(text: str) -> datetime:
    """Read `2026-03-02 10:30` as UTC; with an offset, as said."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""The statement that stores a batch: each idempotency key once, all or nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, connection
from django.utils import timezone
from psycopg import errors

from levered_site.array_literals import format_array
from levered_site.database import execute_bound, fetch_rows
from optimizations.ingestion import event_digests
from optimizations.ingestion.event_columns import (
    EventColumns,
    ExposureColumns,
    RewardColumns,
)
from optimizations.ingestion.event_statements import (
    EXPOSURES,
    REWARDS,
    EventTable,
    compose_insert,
    find_constants,
    format_column,
)
from warehouse import partitions, write_log

SELECT_DIGESTS: Final = """
SELECT key, digest FROM event_keys
WHERE organization_id = %(organization)s AND endpoint = %(endpoint)s
  AND key = ANY(%(keys)s) AND digest IS NOT NULL
"""
# Not late by our clock: no day needs a note, with an hour between the two clocks.
ON_TIME: Final = timedelta(hours=write_log.LATE_AFTER_HOURS - 1)


def insert_exposures(
    organization_id: str,
    exposures: ExposureColumns,
    texts: Sequence[tuple[str, str]],
    digests: Sequence[int | None],
) -> int:
    """Store exposures, each with its variant_key and recorded context, and its digest.

    Returns how many were new. They are committed when this returns. If the database
    raises, the error passes through and nothing was stored.
    """
    columns = [
        exposures.optimization_ids,
        exposures.anonymous_ids,
        [variant for variant, _ in texts],
        [context for _, context in texts],
        exposures.policy_versions,
        exposures.timestamps,
    ]
    return _insert_events(EXPOSURES, organization_id, exposures, columns, digests)


def insert_rewards(
    organization_id: str, rewards: RewardColumns, digests: Sequence[int | None]
) -> int:
    """Store rewards; see `insert_exposures`."""
    columns = [
        rewards.optimization_ids,
        rewards.anonymous_ids,
        rewards.names,
        rewards.values,
        rewards.properties,
        rewards.timestamps,
    ]
    return _insert_events(REWARDS, organization_id, rewards, columns, digests)


def find_conflicts(
    table: EventTable,
    organization_id: str,
    events: EventColumns,
    digests: Sequence[int | None],
) -> list[int]:
    """Return the positions of events whose key was used for another event.

    Ask it only where not all events were new.
    """
    parameters: dict[str, Any] = {
        "organization": organization_id,
        "endpoint": table.endpoint,
        "keys": [key for key in events.keys if key is not None],
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT_DIGESTS, parameters)
        stored = {row.key: row.digest for row in fetch_rows(cursor)}
    return [
        position
        for position, (key, digest) in enumerate(zip(events.keys, digests, strict=True))
        if key is not None
        and digest is not None
        and not event_digests.is_repeat(stored.get(key, digest), digest)
    ]


def _insert_events(
    table: EventTable,
    organization_id: str,
    events: EventColumns,
    columns: Sequence[Sequence[Any]],
    digests: Sequence[int | None],
) -> int:
    has_keys = any(key is not None for key in events.keys)
    has_late = min(events.timestamps) < timezone.now() - ON_TIME
    claims = _sort_claims(events.keys, digests) if has_keys else ()
    constants = (*find_constants(table, columns), not has_keys)
    statement = compose_insert(table, constants, has_keys=has_keys, has_late=has_late)
    parameters = [
        organization_id,
        *(
            format_column(column, is_constant=is_constant)
            for column, is_constant in zip(
                (*columns, events.keys), constants, strict=True
            )
        ),
        *(format_array(claim) for claim in claims),
    ]
    return _write_with_partitions(
        table.name,
        events.timestamps,
        lambda: execute_bound(statement, parameters),
    )


def _sort_claims(
    keys: Sequence[str | None], digests: Sequence[int | None]
) -> tuple[list[str], list[int | None]]:
    """Return the keys in order, and their digests: the database sorts them for more."""
    digest_of = {
        key: digest
        for key, digest in zip(keys, digests, strict=True)
        if key is not None
    }
    ordered = sorted(digest_of)
    return ordered, [digest_of[key] for key in ordered]


def _write_with_partitions(
    table: str, times: Sequence[datetime], write: Callable[[], int]
) -> int:
    """Write. If a day's partition is missing, create it and write once more."""
    try:
        return write()
    except IntegrityError as error:
        if not isinstance(error.__cause__, errors.CheckViolation):
            raise
    partitions.ensure_partitions(
        table, sorted({time.astimezone(UTC).date() for time in times})
    )
    return write()

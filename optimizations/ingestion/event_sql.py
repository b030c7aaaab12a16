"""The statement that stores a batch: each idempotency key once, all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import IntegrityError, connection
from psycopg import RawCursor, errors

from optimizations.ingestion.array_literals import format_array
from optimizations.ingestion.event_columns import ExposureColumns, RewardColumns
from warehouse import partitions, write_log

# Keys are inserted in order, so that two batches that share keys cannot deadlock. The
# insert waits for a key that another transaction is inserting.
# NOTE_LATE_DAYS reads `sent`.
INSERT_EVENTS: Final = """
WITH sent AS (SELECT * FROM unnest({arrays}) AS t ({columns}, key)), new_keys AS (
  INSERT INTO event_keys (organization_id, endpoint, key, created_at)
  SELECT $1::text, $2::text, key, now()
  FROM sent WHERE key IS NOT NULL ORDER BY key
  ON CONFLICT (organization_id, endpoint, key) DO NOTHING
  RETURNING key
), noted AS ({note})
INSERT INTO {table} (organization_id, created_at, {columns})
SELECT $1::text, now(), {values}
FROM sent WHERE key IS NULL OR key IN (SELECT key FROM new_keys)
"""
EXPOSURE_COLUMNS: Final = {
    "optimization_id": "uuid",
    "anonymous_id": "text",
    "variant": "text",
    "context": "text",
    "policy_version": "integer",
    "timestamp_utc": "timestamptz",
}
REWARD_COLUMNS: Final = {
    "optimization_id": "uuid",
    "anonymous_id": "text",
    "name": "text",
    "value": "float8",
    "properties": "jsonb",
    "timestamp_utc": "timestamptz",
}


def _compose_insert(table: str, types: Mapping[str, str]) -> bytes:
    """Compose the statement: $1 is the organization, $2 the endpoint, then the arrays."""
    arrays = [
        f"${number}::{column_type}[]"
        for number, column_type in enumerate([*types.values(), "text"], start=3)
    ]
    statement = INSERT_EVENTS.format(
        table=table,
        note=write_log.NOTE_LATE_DAYS.replace("%(organization)s", "$1::text"),
        columns=", ".join(types),
        arrays=", ".join(arrays),
        values=", ".join(types),
    )
    return statement.encode()


INSERT_EXPOSURES: Final = _compose_insert("managed_exposures", EXPOSURE_COLUMNS)
INSERT_REWARDS: Final = _compose_insert("managed_rewards", REWARD_COLUMNS)


def insert_exposures(
    organization_id: str, exposures: ExposureColumns, texts: Sequence[tuple[str, str]]
) -> int:
    """Store exposures, each with its variant_key and recorded context.

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
        exposures.keys,
    ]
    parameters = [organization_id, "exposures", *map(format_array, columns)]
    return _write_with_partitions(
        "managed_exposures",
        exposures.timestamps,
        lambda: _execute_prepared(INSERT_EXPOSURES, parameters),
    )


def insert_rewards(organization_id: str, rewards: RewardColumns) -> int:
    """Store rewards; see `insert_exposures`."""
    columns = [
        rewards.optimization_ids,
        rewards.anonymous_ids,
        rewards.names,
        rewards.values,
        rewards.properties,
        rewards.timestamps,
        rewards.keys,
    ]
    parameters = [organization_id, "rewards", *map(format_array, columns)]
    return _write_with_partitions(
        "managed_rewards",
        rewards.timestamps,
        lambda: _execute_prepared(INSERT_REWARDS, parameters),
    )


def _execute_prepared(statement: bytes, parameters: list[Any]) -> int:
    """Execute with parameters apart from the text, which is parsed once a connection.

    Django's cursor would paste them into the text: 100 KB to quote and to parse.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        psycopg_connection = connection.connection
        if psycopg_connection.prepare_threshold is None:
            # Django's default. Its own cursors never prepare.
            psycopg_connection.prepare_threshold = 5
        with RawCursor(psycopg_connection) as cursor:
            cursor.execute(statement, parameters, prepare=True)
            return cursor.rowcount


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

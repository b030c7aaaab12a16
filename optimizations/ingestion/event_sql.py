"""The statement that stores a batch: each idempotency key once, all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, connection
from psycopg import errors

from optimizations.ingestion.events import Exposure, Reward
from warehouse import partitions, write_log

Columns = dict[str, Any]

# Keys are inserted in order, so that two batches that share keys cannot deadlock. The
# insert waits for a key that another transaction is inserting.
# NOTE_LATE_DAYS reads `sent`.
INSERT_EVENTS = """
WITH sent AS (SELECT * FROM unnest({arrays}) AS t ({columns}, key)), new_keys AS (
  INSERT INTO event_keys (organization_id, endpoint, key, created_at)
  SELECT %(organization)s, %(endpoint)s, key, now()
  FROM sent WHERE key IS NOT NULL ORDER BY key
  ON CONFLICT (organization_id, endpoint, key) DO NOTHING
  RETURNING key
), noted AS ({note})
INSERT INTO {table} (organization_id, created_at, {columns})
SELECT %(organization)s, now(), {values}
FROM sent WHERE key IS NULL OR key IN (SELECT key FROM new_keys)
"""
EXPOSURE_COLUMNS = {
    "optimization_id": "uuid",
    "anonymous_id": "text",
    "variant": "text",
    "context": "text",
    "policy_version": "integer",
    "timestamp_utc": "timestamptz",
}
REWARD_COLUMNS = {
    "optimization_id": "uuid",
    "anonymous_id": "text",
    "name": "text",
    "value": "float8",
    "properties": "jsonb",
    "timestamp_utc": "timestamptz",
}


def insert_exposures(
    organization_id: str, rows: Sequence[tuple[Exposure, str, str]]
) -> int:
    """Store exposures, each with its variant_key and recorded context.

    Returns how many were new. They are committed when this returns. If the database
    raises, the error passes through and nothing was stored.
    """
    columns: Columns = {
        "optimization_id": [event.optimization_id for event, _, _ in rows],
        "anonymous_id": [event.anonymous_id for event, _, _ in rows],
        "variant": [variant for _, variant, _ in rows],
        "context": [context for _, _, context in rows],
        "policy_version": [event.policy_version for event, _, _ in rows],
        "timestamp_utc": [event.timestamp for event, _, _ in rows],
        "key": [event.key for event, _, _ in rows],
    }
    columns |= {"organization": organization_id, "endpoint": "exposures"}
    times = [event.timestamp for event, _, _ in rows]
    return _insert_events("managed_exposures", EXPOSURE_COLUMNS, columns, times)


def insert_rewards(organization_id: str, rows: Sequence[Reward]) -> int:
    """Store rewards; see `insert_exposures`."""
    columns: Columns = {
        "optimization_id": [event.optimization_id for event in rows],
        "anonymous_id": [event.anonymous_id for event in rows],
        "name": [event.name for event in rows],
        "value": [event.value for event in rows],
        "properties": [event.properties for event in rows],
        "timestamp_utc": [event.timestamp for event in rows],
        "key": [event.key for event in rows],
    }
    columns |= {"organization": organization_id, "endpoint": "rewards"}
    times = [event.timestamp for event in rows]
    return _insert_events("managed_rewards", REWARD_COLUMNS, columns, times)


def _insert_events(
    table: str, types: Mapping[str, str], columns: Columns, times: Sequence[datetime]
) -> int:
    arrays = [
        f"%({name})s::{_name_array_type(column_type)}"
        for name, column_type in types.items()
    ]
    statement = INSERT_EVENTS.format(
        table=table,
        note=write_log.NOTE_LATE_DAYS,
        columns=", ".join(types),
        arrays=", ".join([*arrays, "%(key)s::text[]"]),
        values=", ".join(
            f"{name}::{column_type}" for name, column_type in types.items()
        ),
    )
    return _write_with_partitions(
        table, times, lambda: _execute_statement(statement, columns)
    )


def _name_array_type(column_type: str) -> str:
    # psycopg has no array of jsonb, so it is sent as text and cast.
    return "text[]" if column_type == "jsonb" else f"{column_type}[]"


def _execute_statement(statement: str, columns: Columns) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return int(cursor.rowcount)


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

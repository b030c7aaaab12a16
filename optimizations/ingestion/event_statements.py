"""The statement that stores a batch: its text and its parameters. No connection."""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from levered_site.array_literals import format_array
from warehouse import write_log

# A batch whose keys are all new finds `known_keys` empty. The claim waits for a key that
# another transaction is storing.
INSERT_EVENTS: Final = """
WITH sent AS (SELECT {sent} FROM unnest({arrays}) AS t ({varying})) {claim} {note}
INSERT INTO {table} (organization_id, created_at, {columns})
SELECT $1::text, now(), {columns} FROM sent {condition}
"""
CLAIM_KEYS: Final = """, known_keys AS MATERIALIZED (
  SELECT key FROM claim_event_keys($1::text, '{endpoint}', {keys}, {digests}) AS c (key))"""
IS_NEW: Final = "WHERE key IS NULL OR key NOT IN (SELECT key FROM known_keys)"
NOTE_LATE_DAYS: Final = (
    f", noted AS ({write_log.NOTE_LATE_DAYS.replace('%(organization)s', '$1::text')})"
)


@dataclass(frozen=True, slots=True)
class EventTable:
    """A table of events: the endpoint that fills it, and its columns by type.

    `often_constant` are columns that many batches have one value of. They are few,
    because each connection keeps a plan of each combination.
    """

    name: str
    endpoint: str
    columns: tuple[tuple[str, str], ...]
    often_constant: frozenset[str]


EXPOSURES: Final = EventTable(
    "managed_exposures",
    "exposures",
    (
        ("optimization_id", "uuid"),
        ("anonymous_id", "text"),
        ("variant", "text"),
        ("context", "text"),
        ("policy_version", "integer"),
        ("timestamp_utc", "timestamptz"),
    ),
    frozenset({"optimization_id", "policy_version", "timestamp_utc"}),
)
REWARDS: Final = EventTable(
    "managed_rewards",
    "rewards",
    (
        ("optimization_id", "uuid"),
        ("anonymous_id", "text"),
        ("name", "text"),
        ("value", "float8"),
        ("properties", "jsonb"),
        ("timestamp_utc", "timestamptz"),
    ),
    frozenset({"optimization_id", "name", "properties", "timestamp_utc"}),
)


def find_constants(
    table: EventTable, columns: Sequence[Sequence[Any]]
) -> tuple[bool, ...]:
    """Return of each column whether it has one value, and is worth to be looked at."""
    return tuple(
        name in table.often_constant
        and column[0] == column[-1]
        and column.count(column[0]) == len(column)
        for (name, _), column in zip(table.columns, columns, strict=True)
    )


def format_column(column: Sequence[Any], *, is_constant: bool) -> str | None:
    """Return a column as an array, or as its one value; both texts, to be cast."""
    if not is_constant:
        return format_array(column)
    return None if column[0] is None else str(column[0])


@functools.cache
def compose_insert(
    table: EventTable, constants: tuple[bool, ...], *, has_keys: bool, has_late: bool
) -> bytes:
    """Compose the statement; $1 is the organization, then come the columns, claims last.

    What a batch does not need is left out: claiming keys, and noting days with late
    events, which reads the events a second time. `constants` says of each column, the
    keys last, whether it is one value instead of an array: Postgres reads the text of a
    time as long as it writes a row.
    """
    columns = [*table.columns, ("key", "text")]
    numbered = list(zip(itertools.count(2), columns, constants, strict=False))
    varying = [each for each in numbered if not each[2]]
    statement = INSERT_EVENTS.format(
        table=table.name,
        columns=", ".join(name for name, _ in table.columns),
        sent=", ".join(
            f"${number}::{column_type} AS {name}" if is_constant else name
            for number, (name, column_type), is_constant in numbered
        ),
        arrays=", ".join(f"${number}::{each[1]}[]" for number, each, _ in varying),
        varying=", ".join(name for _, (name, _), _ in varying),
        claim=CLAIM_KEYS.format(
            endpoint=table.endpoint,
            keys=f"${len(columns) + 2}::text[]",
            digests=f"${len(columns) + 3}::bigint[]",
        )
        if has_keys
        else "",
        note=NOTE_LATE_DAYS if has_late else "",
        condition=IS_NEW if has_keys else "",
    )
    return statement.encode()

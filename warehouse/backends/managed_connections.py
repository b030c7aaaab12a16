"""Connections to the managed store as its reader, and what each may do."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Self, TypeVar

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from psycopg import errors as pg_errors
from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from levered_site.errors import LeveredError
from warehouse.backends import cancellation, deadlines, server_failures
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.json_budget import (
    TOO_DEEP,
    TooDeepError,
    TooManyItemsError,
    limit_items,
    read_json,
)
from warehouse.backends.postgres_failures import StatementClock
from warehouse.sql.customer import managed_schema

Cursor = psycopg.RawCursor[tuple[Any, ...]]
T = TypeVar("T")

MAX_JSON_ITEMS = 250_000  # of one transaction's rows: 25 MB as Python objects
FIRST_VERSION_WITH_GRANTS_OF_SETTINGS = 150000
CANCEL_SECONDS = 5.0

# Only a superuser, or who was granted it, may limit the disk; see docs/limits.md.
APPLY_SETTINGS = """SELECT set_config(name, value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)
WHERE name <> 'temp_file_limit' OR {may_limit_disk}"""
MAY_LIMIT_DISK = "has_parameter_privilege('temp_file_limit', 'SET')"
MAY_LIMIT_DISK_BEFORE_15 = (
    "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)"
)


class _TimedCursor(psycopg.RawCursor[tuple[Any, ...]]):
    """A cursor that notes when a statement begins, to tell why the server ended it."""

    clock: StatementClock

    def execute(self, *arguments: Any, **options: Any) -> Self:
        """Run a statement."""
        self.clock.start_statement()
        return super().execute(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[tuple[Any, ...]]:
        """Run a statement and yield its rows as they arrive."""
        self.clock.start_statement()
        return super().stream(*arguments, **options)


@contextmanager
def open_cursor(
    organization_id: str, seconds: float, extra_settings: Mapping[str, str]
) -> Iterator[Cursor]:
    """Open a cursor of the reader, in a read-only transaction that is rolled back.

    It ends with the deadline of the request at the latest. The role is set last, because
    the reader may not change settings. Raises QueryFailedError in the database's words,
    UnavailableError if it cannot be reached.
    """
    seconds = deadlines.limit_seconds(seconds)
    session_settings = {
        "statement_timeout": f"{max(1, round(1000 * seconds))}ms",
        "client_connection_check_interval": "5s",  # stop when the worker was killed
        "TimeZone": "UTC",
        "search_path": "",
        "work_mem": f"{settings.QUERY_MEMORY_MB}MB",
        "temp_file_limit": f"{settings.QUERY_DISK_MB}MB",
        managed_schema.ORGANIZATION_SETTING: organization_id,
        **extra_settings,
        "role": managed_schema.READER,
    }
    clock = StatementClock()
    clock.open(seconds, 0)
    with (
        _translate_errors(clock, seconds),
        _open_connection() as connection,
        cancellation.watch_statement(partial(_cancel_query, connection)),
        limit_items(MAX_JSON_ITEMS),
    ):
        connection.read_only = True
        set_json_loads(read_json, connection)
        cursor = _TimedCursor(connection)
        cursor.clock = clock
        names, values = list(session_settings), list(session_settings.values())
        cursor.execute(_build_apply_settings(connection), (names, values))
        yield cursor
        connection.rollback()


def fetch_records(
    cursor: Cursor, record_type: type[T], text: str, parameters: Sequence[object]
) -> list[T]:
    """Run a statement in the cursor's transaction; its columns are the type's fields."""
    with psycopg.RawCursor(
        cursor.connection, row_factory=class_row(record_type)
    ) as record_cursor:
        return record_cursor.execute(text, parameters).fetchall()


def build_disk_check(server_version: int) -> str:
    """Return the SQL condition that the service's user may limit a query's disk."""
    is_old = server_version < FIRST_VERSION_WITH_GRANTS_OF_SETTINGS
    return MAY_LIMIT_DISK_BEFORE_15 if is_old else MAY_LIMIT_DISK


def _build_apply_settings(connection: psycopg.Connection[Any]) -> str:
    may_limit_disk = build_disk_check(connection.info.server_version)
    return APPLY_SETTINGS.format(may_limit_disk=may_limit_disk)


def _open_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection for customers' statements.

    Every statement is prepared: that selects the extended protocol, which takes one
    statement at a time. In the simple protocol `COMMIT; DELETE …` would leave the
    read-only transaction.
    """
    return psycopg.connect(**build_arguments(), prepare_threshold=0)


def build_arguments() -> dict[str, Any]:
    """Return libpq's arguments of Django's connection, without Django's own defaults."""
    parameters = django_connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters


def _cancel_query(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    with suppress(psycopg.Error, OSError):
        connection.cancel_safe(timeout=CANCEL_SECONDS)


@contextmanager
def _translate_errors(clock: StatementClock, seconds: float) -> Iterator[None]:
    """Turn psycopg's errors into ours, in the database's words where a query failed."""
    try:
        yield
    except pg_errors.QueryCanceled as error:
        raise _build_cancellation(error, clock, seconds) from error
    except TooManyItemsError as error:
        raise QueryFailedError(
            f"The lists and JSON values of the result have more than {MAX_JSON_ITEMS:,} items: "
            "select fewer rows."
        ) from error
    except TooDeepError as error:
        raise QueryFailedError(TOO_DEEP) from error
    except psycopg.Error as error:
        raise server_failures.build_failure(error) from error


def _build_cancellation(
    error: psycopg.Error, clock: StatementClock, seconds: float
) -> LeveredError:
    """Return the error of a cancelled statement: by time, by its own run, or by others."""
    if clock.is_time_up():
        return QueryFailedError.for_timeout(seconds)
    if cancellation.is_cancelled():
        return QueryFailedError(cancellation.CANCELLED)
    return server_failures.build_failure(error)

"""Connections to the managed store as its reader: how each is fenced in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection as django_connection
from psycopg import errors as pg_errors

from levered_site.errors import UnavailableError
from warehouse.backends.base import QueryFailedError
from warehouse.sql.customer import managed_schema

Cursor = psycopg.RawCursor[tuple[Any, ...]]

APPLY_SETTINGS = """SELECT set_config(name, value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)"""


@contextmanager
def open_cursor(
    organization_id: str, seconds: int, tuned: Mapping[str, str]
) -> Iterator[Cursor]:
    """Lend a cursor of the reader's, in a read-only transaction that leaves nothing.

    The role comes last: the reader can change no setting any more. Raises
    QueryFailedError in the database's own words, UnavailableError where it is away.
    """
    wanted = {
        "statement_timeout": f"{seconds}s",
        "client_connection_check_interval": "5s",  # ends with a killed worker
        "TimeZone": "UTC",
        "search_path": "",
        managed_schema.ORGANIZATION_SETTING: organization_id,
        **tuned,
        "role": managed_schema.READER,
    }
    with _translate_errors(seconds), _open_connection() as connection:
        connection.read_only = True
        cursor = psycopg.RawCursor(connection)
        names, values = list(wanted), list(wanted.values())
        cursor.execute(APPLY_SETTINGS, (names, values))
        yield cursor
        connection.rollback()


def _open_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection like Django's, with psycopg's own habits.

    Everything is prepared: that is the extended protocol, which takes one statement at a
    time. By the simple one `COMMIT; DELETE …` would leave the read-only transaction.
    """
    known = django_connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        known.pop(name, None)
    return psycopg.connect(**known, prepare_threshold=0)


@contextmanager
def _translate_errors(seconds: int) -> Iterator[None]:
    """Turn the database's errors into ours, with its own words where a query failed."""
    try:
        yield
    except pg_errors.QueryCanceled as error:
        raise QueryFailedError(
            f"The query took longer than {seconds} s and was stopped."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if error.sqlstate and not error.sqlstate.startswith(("08", "57P")):
            raise QueryFailedError(_describe_error(error)) from error
        raise UnavailableError(
            "The managed warehouse is away.", retry_after=5
        ) from error
    except psycopg.Error as error:
        raise QueryFailedError(_describe_error(error)) from error


def _describe_error(error: psycopg.Error) -> str:
    """What the database said: its sentence and its hint."""
    said = [error.diag.message_primary or str(error), error.diag.message_hint]
    return " ".join(one for one in said if one)

"""Raw SQL: rows read by column name, large statements and rows, locks of the session."""

import functools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import make_dataclass
from typing import Any

import psycopg
from django.db import Error, connection
from django.db.backends.utils import CursorWrapper
from psycopg import RawCursor

# Of one statement or row; a connection whose buffers held more is not kept.
LARGE_MESSAGE_BYTES = 512 * 1024


def execute_bound(statement: bytes, parameters: Sequence[Any]) -> int:
    """Execute a statement with $1, $2 … and return how many rows it changed.

    The parameters travel apart from the text, which is parsed once a connection. Django's
    cursor would paste them into it: 5 MB of a picture would be copied as 10 MB of hex
    digits, several times. Raises Django's errors of the database.
    """
    release_buffers(sum(len(each) for each in parameters if isinstance(each, _TEXTS)))
    connection.ensure_connection()
    with connection.wrap_database_errors, _open_cursor() as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return int(cursor.rowcount)


def read_bound(statement: bytes, parameters: Sequence[Any]) -> list[Any]:
    """Return the rows of a statement with $1, $2 …, which is parsed once a connection.

    As the first statement of a request it takes the place of Django's health check, a
    round trip: where the connection broke since the last request, another one is opened
    and asked. Raises Django's errors of the database.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        try:
            return _read_rows(statement, parameters)
        except psycopg.OperationalError:
            if not connection.connection.closed:
                raise
            connection.close_if_health_check_failed()
            connection.ensure_connection()
            return _read_rows(statement, parameters)


def _read_rows(statement: bytes, parameters: Sequence[Any]) -> list[Any]:
    with _open_cursor() as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return fetch_rows(cursor)


def _open_cursor() -> RawCursor[Any]:
    psycopg_connection = connection.connection
    if psycopg_connection.prepare_threshold is None:
        # Django's default. Its own cursors never prepare.
        psycopg_connection.prepare_threshold = 5
    return RawCursor(psycopg_connection)


_TEXTS = (bytes, str)


def release_buffers(size: int) -> None:
    """Give back, after this request, what a message of `size` bytes takes for good.

    libpq's two buffers grow to the largest message of a connection and never shrink.
    Each thread keeps a connection, so 32 threads that read a table of 6 MB once kept 250
    MB. After a large message the connection is closed at the end of the request; the
    next request of the thread opens another.
    """
    if size > LARGE_MESSAGE_BYTES:
        connection.close_at = time.monotonic()


@contextmanager
def hold_session_lock(*key: int) -> Iterator[bool]:
    """Hold an advisory lock of this database session; yield False where it is taken.

    `key` is one number of 64 bits or two of 32, which the database keeps apart. Postgres
    frees the lock as soon as the session ends, so that no killed process keeps it. Raises
    Django's errors of the database.
    """
    numbers = ", ".join(["%s"] * len(key))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({numbers}) AS has_lock", key)
        has_lock = bool(fetch_row(cursor).has_lock)
    try:
        yield has_lock
    finally:
        if has_lock:
            with suppress(Error), connection.cursor() as cursor:  # gone with it
                cursor.execute(f"SELECT pg_advisory_unlock({numbers})", key)


def fetch_rows(cursor: CursorWrapper | RawCursor[Any]) -> list[Any]:
    """Return the remaining rows of an executed cursor as objects.

    Each column of the statement is an attribute, so every column needs a name that is a
    Python identifier (`SELECT count(*) AS users`).
    """
    row_type = _make_row_type(tuple(column.name for column in cursor.description or ()))
    return [row_type(*row) for row in cursor.fetchall()]


@functools.lru_cache(maxsize=256)
def _make_row_type(names: tuple[str, ...]) -> Any:
    """Make the class of a statement's rows; making one costs half a millisecond."""
    return make_dataclass("Row", names, frozen=True, slots=True)


def fetch_row(cursor: CursorWrapper) -> Any:
    """Return the only row of an executed cursor as an object.

    Raises ValueError if the statement returned no row, or more than one.
    """
    (row,) = fetch_rows(cursor)
    return row

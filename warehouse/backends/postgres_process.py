"""A child process that asks a customer's Postgres.

The server belongs to a customer, so its answers may be anything: libpq keeps a whole row in
memory, and psycopg's C code crashes on answers that break the protocol. Both end this
process only. Run by `warehouse.processes`; it knows no setting of the service.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from os import dup
from threading import Timer
from typing import Any

import psycopg
from psycopg import errors as pg_errors
from psycopg.types.json import set_json_loads

from levered_site.errors import WarehouseError
from warehouse.backends import (
    addresses,
    postgres_failures,
    postgres_values,
    row_batches,
)
from warehouse.backends.json_budget import (
    TOO_DEEP,
    JsonBudget,
    TooDeepError,
    TooManyItemsError,
)
from warehouse.backends.postgres_requests import (
    Opened,
    OpenRequest,
    StatementRequest,
)
from warehouse.backends.process_answers import Failure, Row, RowBatch
from warehouse.processes.child import (
    end_process,
    handle_interrupts,
    serve_requests,
)

Connection = psycopg.Connection[Row]

MAX_ADDRESSES = 3
CURSOR_ROWS = 50
# What psycopg and its loaders raise for values that break the format of their type.
VALUE_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# Only settings that the server knows: older servers know fewer, and some systems cannot
# check whether a client is still connected.
APPLY_SETTINGS = """SELECT set_config(s.name, s.value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)
JOIN pg_catalog.pg_settings AS known ON known.name = s.name
WHERE s.name <> 'client_connection_check_interval' OR version() LIKE '%linux%'"""


class Reader:
    """One connection in one read-only transaction, which is never committed.

    Every statement goes through the extended protocol, which takes one statement at a
    time. psycopg uses it only with parameters, so every statement needs some.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._json_budget = JsonBudget()
        self._max_bytes = 0
        self._clock = postgres_failures.StatementClock()

    def answer(self, request: OpenRequest | StatementRequest) -> Iterator[Any]:
        """Yield the messages of an answer; the last one is a Failure if there was one."""
        try:
            if isinstance(request, OpenRequest):
                yield self._open(request)
            else:
                yield from self._run(request)
        except pg_errors.QueryCanceled as error:
            yield self._clock.explain_cancellation(error)
        except psycopg.Error as error:
            yield postgres_failures.build_failure(error)
        except VALUE_ERRORS:
            yield Failure("protocol")
        except WarehouseError as error:  # of the host's addresses
            yield Failure("connection", error.message)
        except TooDeepError:
            yield Failure("statement", TOO_DEEP)
        except (MemoryError, TooManyItemsError):
            yield Failure("bytes", limit=self._max_bytes)

    def cancel(self) -> None:
        """End the running statement in the server, from another thread."""
        self._clock.is_interrupted = True
        if self._connection:
            _cancel_statement(self._connection)

    def close(self) -> None:
        """Take leave of the server, which would log a lost connection otherwise."""
        if self._connection:
            with suppress(psycopg.Error):
                self._connection.close()

    def _open(self, request: OpenRequest) -> Opened:
        connection = psycopg.connect(**resolve_arguments(request))
        self._connection = connection
        connection.read_only = True
        set_json_loads(self._json_budget.loads, connection)
        self._clock.open(request.seconds, request.grace_seconds)
        closing_seconds = request.seconds + request.grace_seconds
        _start_timer(request.seconds, _cancel_statement, connection)
        _start_timer(closing_seconds, _shut_down_socket, connection)
        names = list(request.session_settings)
        values = list(request.session_settings.values())
        settings = (APPLY_SETTINGS, (names, values))
        list(psycopg.RawCursor(connection).stream(*settings))
        return Opened(connection.info.server_version)

    def _run(self, request: StatementRequest) -> Iterator[RowBatch | Failure]:
        assert self._connection
        assert request.parameters
        self._max_bytes = request.max_bytes
        self._json_budget.start(request.max_bytes)
        self._clock.start_statement()
        with _open_cursor(self._connection, request) as cursor:
            yield from row_batches.build_batches(
                _iterate_rows(cursor, request),
                request.max_rows,
                request.max_bytes,
                lambda rows: RowBatch(_list_columns(cursor), rows),
            )


def resolve_arguments(request: OpenRequest) -> dict[str, Any]:
    """Return libpq's arguments with the addresses of the host, which are checked here.

    Raises WarehouseError if there is none that may be connected to.
    """
    hosts = addresses.resolve_host(
        request.host, request.port, allow_private=request.allow_private
    )[:MAX_ADDRESSES]
    return {
        **request.connect_arguments,
        "host": ",".join([request.host] * len(hosts)),
        "hostaddr": ",".join(hosts),
        "port": str(request.port),
    }


def _open_cursor(connection: Connection, request: StatementRequest) -> Any:
    if request.first_rows:
        return psycopg.RawServerCursor(connection, "levered")
    return psycopg.RawCursor(connection)


def _iterate_rows(cursor: Any, request: StatementRequest) -> Iterator[Row]:
    if not request.first_rows:
        rows: Iterator[Row] = cursor.stream(request.text, request.parameters)
        return rows
    postgres_values.print_values(cursor)
    cursor.itersize = CURSOR_ROWS
    cursor.execute(request.text, request.parameters)
    return islice(cursor, request.max_rows)


def _list_columns(cursor: Any) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())


def _start_timer(
    seconds: float, action: Callable[[Connection], None], connection: Connection
) -> None:
    timer = Timer(seconds, action, [connection])
    timer.daemon = True
    timer.start()


def _cancel_statement(connection: Connection) -> None:
    with suppress(psycopg.Error, OSError):
        connection.cancel_safe(timeout=5)


def _shut_down_socket(connection: Connection) -> None:
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=dup(connection.fileno())) as server_socket,
    ):
        server_socket.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    reader = Reader()
    handle_interrupts(reader.cancel)
    serve_requests(reader.answer)
    reader.close()
    end_process()

"""Connections to a customer's Postgres, and what each may do."""

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from os import dup
from threading import Timer
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from psycopg import errors as pg_errors
from psycopg.rows import BaseRowFactory, tuple_row

from levered_site.errors import WarehouseError
from warehouse.backends import addresses, cancellation
from warehouse.backends.errors import QueryFailedError, redact_secrets
from warehouse.backends.postgres_credentials import Server

Row = tuple[Any, ...]
T = TypeVar("T")

CONNECT_SECONDS = 10  # for each address
MAX_ADDRESSES = 3
# Added to the server's own timeout, for a server that does not keep it.
GRACE_SECONDS = 5
FIRST_VERSION_WITH_JSON_GUARD = 160000
MAX_SMALL_RESULT_ROWS = 10_000
# Only settings that the server knows: older servers know fewer, and some systems cannot
# check whether a client is still connected.
APPLY_SETTINGS = """SELECT set_config(s.name, s.value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)
JOIN pg_catalog.pg_settings AS known ON known.name = s.name
WHERE s.name <> 'client_connection_check_interval' OR version() LIKE '%linux%'"""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection in one read-only transaction.

    Every statement goes through the extended protocol, which takes one statement at a
    time. psycopg uses it only with parameters, so every statement needs some.
    """

    connection: psycopg.Connection[Row]

    @property
    def guards_json(self) -> bool:
        """Whether the server can test text for JSON without failing."""
        return self.connection.info.server_version >= FIRST_VERSION_WITH_JSON_GUARD

    def fetch_rows(
        self, text: str, parameters: Sequence[object], row_factory: BaseRowFactory[T]
    ) -> list[T]:
        """Run one of our statements whose result is small and return its rows."""
        return list(self._stream(text, parameters, MAX_SMALL_RESULT_ROWS, row_factory))

    def stream_rows(
        self, text: str, parameters: Sequence[object], max_rows: int
    ) -> Iterator[Row]:
        """Run a statement and yield its rows as they arrive.

        Raises QueryFailedError at the first row beyond `max_rows`.
        """
        return self._stream(text, parameters, max_rows, tuple_row)

    def fetch_first_rows(
        self, text: str, parameters: Sequence[object], max_rows: int
    ) -> tuple[tuple[str, ...], list[Row]]:
        """Run a query in a server-side cursor; return columns and first `max_rows` rows."""
        with psycopg.RawServerCursor(self.connection, "levered") as cursor:
            cursor.itersize = 200
            cursor.execute(text, parameters)
            rows = list(islice(cursor, max_rows))
            return tuple(column.name for column in cursor.description or ()), rows

    def _stream(
        self,
        text: str,
        parameters: Sequence[object],
        max_rows: int,
        row_factory: BaseRowFactory[T],
    ) -> Iterator[T]:
        assert parameters
        with psycopg.RawCursor(self.connection, row_factory=row_factory) as cursor:
            for number, row in enumerate(cursor.stream(text, parameters)):
                if number == max_rows:
                    raise QueryFailedError.for_row_limit(max_rows)
                yield row


@contextmanager
def open_session(
    server: Server, seconds: int, extra_settings: Mapping[str, str]
) -> Iterator[Session]:
    """Open a session that can change nothing and ends in time; it is rolled back.

    Raises QueryFailedError and WarehouseError in the server's words, without the
    password. UnavailableError is only for the managed store.
    """
    session_settings = {
        "statement_timeout": f"{seconds}s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "client_connection_check_interval": "5s",  # stop when the worker was killed
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "default_transaction_read_only": "on",
        **extra_settings,
    }
    with _translate_errors(server, seconds), open_connection(server) as connection:
        connection.read_only = True
        with (
            _enforce_deadline(connection, seconds + GRACE_SECONDS),
            cancellation.watch_statement(partial(_cancel_query, connection)),
        ):
            session = Session(connection)
            names, values = list(session_settings), list(session_settings.values())
            session.fetch_rows(APPLY_SETTINGS, (names, values), tuple_row)
            yield session
            connection.rollback()


def open_connection(server: Server) -> psycopg.Connection[Row]:
    """Connect to an address that was resolved and checked, by keyword arguments only.

    Everything that libpq would read from elsewhere (service, password and certificate
    files, options from the environment, Kerberos) is set here.
    """
    hosts = addresses.resolve_host(server.host, server.port)[:MAX_ADDRESSES]
    certificate_arguments: dict[str, Any] = {}
    if server.sslmode.startswith("verify"):
        ca_file = settings.WAREHOUSE_CA_FILE or _find_ca_file()
        certificate_arguments["sslrootcert"] = ca_file
    return psycopg.connect(
        host=",".join([server.host] * len(hosts)),
        hostaddr=",".join(hosts),
        port=str(server.port),
        dbname=server.database,
        user=server.username,
        password=server.password,
        sslmode=server.sslmode,
        connect_timeout=CONNECT_SECONDS,
        application_name="levered",
        options="",
        passfile="/dev/null",
        gssencmode="disable",
        sslcertmode="disable",
        client_encoding="utf8",
        target_session_attrs="any",
        keepalives_idle=30,
        tcp_user_timeout=30_000,
        prepare_threshold=None,  # a pooler in between may not support prepared statements
        **certificate_arguments,
    )


def _find_ca_file() -> str:
    """Return the machine's file of certificate authorities, or OpenSSL's own choice."""
    return ssl.get_default_verify_paths().cafile or "system"


@contextmanager
def _enforce_deadline(
    connection: psycopg.Connection[Row], seconds: float
) -> Iterator[None]:
    """Cancel the query after `seconds`; GRACE_SECONDS later, shut down the socket."""
    cancel = Timer(seconds, _cancel_query, [connection])
    shut_down = Timer(seconds + GRACE_SECONDS, _shut_down_socket, [connection])
    timers = (cancel, shut_down)
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _cancel_query(connection: psycopg.Connection[Row]) -> None:
    with suppress(psycopg.Error, OSError):
        connection.cancel_safe(timeout=GRACE_SECONDS)


def _shut_down_socket(connection: psycopg.Connection[Row]) -> None:
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=dup(connection.fileno())) as server_socket,
    ):
        server_socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _translate_errors(server: Server, seconds: int) -> Iterator[None]:
    """Turn psycopg's errors into ours, in the server's words, without the password."""
    try:
        yield
    except pg_errors.QueryCanceled as error:
        raise QueryFailedError.for_timeout(seconds) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        message = _describe_error(error, server)
        if error.sqlstate and not error.sqlstate.startswith(("08", "57P", "28", "3D")):
            raise QueryFailedError(message) from error
        raise WarehouseError(message) from error
    except psycopg.Error as error:
        raise QueryFailedError(_describe_error(error, server)) from error


def _describe_error(error: psycopg.Error, server: Server) -> str:
    """Return the server's message and its hint, without the password."""
    texts = [error.diag.message_primary or str(error).strip(), error.diag.message_hint]
    return redact_secrets(" ".join(text for text in texts if text), [server.password])

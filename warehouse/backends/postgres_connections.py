"""Connections to a customer's Postgres: how each is fenced in."""

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from os import dup
from threading import Timer
from typing import Any

import psycopg
from django.conf import settings
from psycopg import errors as pg_errors

from levered_site.errors import WarehouseError
from warehouse.backends import addresses
from warehouse.backends.base import QueryFailedError
from warehouse.backends.postgres_credentials import Server
from warehouse.backends.query_validation import redact_secrets

Row = tuple[Any, ...]

CONNECT_SECONDS = 10  # for each address
MAX_ADDRESSES = 3
# Longer than the server's own timeout: for one that does not keep it.
GRACE_SECONDS = 5
FIRST_WITH_JSON_GUARD = 160000
# Only names that the server knows: older ones know fewer, and some systems cannot check
# whether a client is still there.
APPLY_SETTINGS = """SELECT set_config(s.name, s.value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)
JOIN pg_catalog.pg_settings AS known ON known.name = s.name
WHERE s.name <> 'client_connection_check_interval' OR version() LIKE '%linux%'"""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection in one read-only transaction.

    Everything goes by the extended protocol, which takes one statement at a time: it is
    spoken where there are parameters, and so there must be some.
    """

    connection: psycopg.Connection[Row]

    @property
    def guards_json(self) -> bool:
        """Whether the server can tell text that is no JSON before it fails."""
        return self.connection.info.server_version >= FIRST_WITH_JSON_GUARD

    def rows(self, text: str, parameters: Sequence[object]) -> list[Row]:
        """Run a statement of ours, whose answer is small."""
        return list(self.stream(text, parameters, 10_000))

    def stream(
        self, text: str, parameters: Sequence[object], most: int
    ) -> Iterator[Row]:
        """Run a statement and yield its rows as they come, but not more than `most`."""
        assert parameters
        with psycopg.RawCursor(self.connection) as cursor:
            for number, row in enumerate(cursor.stream(text, parameters)):
                if number == most:
                    raise QueryFailedError(f"The answer has more than {most:,} rows.")
                yield row

    def cursor(
        self, text: str, parameters: Sequence[object], most: int
    ) -> tuple[tuple[str, ...], list[Row]]:
        """Run a query behind a cursor of the server; columns, and `most` rows at most."""
        with psycopg.RawServerCursor(self.connection, "levered") as cursor:
            cursor.itersize = 200
            cursor.execute(text, parameters)
            rows = list(islice(cursor, most))
            return tuple(column.name for column in cursor.description or ()), rows


@contextmanager
def open_session(
    server: Server, seconds: int, tuned: Mapping[str, str]
) -> Iterator[Session]:
    """Lend a session that can change nothing and ends in time; it leaves nothing behind.

    Raises QueryFailedError and WarehouseError in the server's own words, without the
    password; UnavailableError is for our own store alone.
    """
    wanted = {
        "statement_timeout": f"{seconds}s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "client_connection_check_interval": "5s",  # ends with a killed worker
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "default_transaction_read_only": "on",
        **tuned,
    }
    with _translate_errors(server, seconds), open_connection(server) as connection:
        connection.read_only = True
        with _enforce_deadline(connection, seconds + GRACE_SECONDS):
            session = Session(connection)
            session.rows(APPLY_SETTINGS, (list(wanted), list(wanted.values())))
            yield session
            connection.rollback()


def open_connection(server: Server) -> psycopg.Connection[Row]:
    """Connect to an address that was looked up and judged: by keyword, no other way.

    Whatever libpq would read from elsewhere (service, password and certificate files,
    options of the environment, Kerberos) is named here.
    """
    found = addresses.resolve_host(server.host, server.port)[:MAX_ADDRESSES]
    known: dict[str, Any] = {}
    if server.sslmode.startswith("verify"):
        known["sslrootcert"] = settings.WAREHOUSE_CA_FILE or _find_ca_file()
    return psycopg.connect(
        host=",".join([server.host] * len(found)),
        hostaddr=",".join(found),
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
        prepare_threshold=None,  # a pool between us and the server may know none
        **known,
    )


def _find_ca_file() -> str:
    """The machine's file of certificate authorities, else OpenSSL's own choice."""
    return ssl.get_default_verify_paths().cafile or "system"


@contextmanager
def _enforce_deadline(
    connection: psycopg.Connection[Row], seconds: float
) -> Iterator[None]:
    """Cancel what runs when time is over, and hang up on a server that goes on."""
    hang_up = Timer(seconds + GRACE_SECONDS, _shut_down_socket, [connection])
    cancel = Timer(seconds, _cancel_query, [connection])
    timers = (cancel, hang_up)
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
        socket.socket(fileno=dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def _translate_errors(server: Server, seconds: int) -> Iterator[None]:
    """Turn the server's errors into ours, with its own words, without the password."""
    try:
        yield
    except pg_errors.QueryCanceled as error:
        raise QueryFailedError(
            f"The query took longer than {seconds} s and was stopped."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        words = _describe_error(error, server)
        if error.sqlstate and not error.sqlstate.startswith(("08", "57P", "28", "3D")):
            raise QueryFailedError(words) from error
        raise WarehouseError(words) from error
    except psycopg.Error as error:
        raise QueryFailedError(_describe_error(error, server)) from error


def _describe_error(error: psycopg.Error, server: Server) -> str:
    """What the server said: its sentence and its hint."""
    said = [error.diag.message_primary or str(error).strip(), error.diag.message_hint]
    return redact_secrets(" ".join(one for one in said if one), [server.password])[
        :2000
    ]

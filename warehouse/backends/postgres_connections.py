"""Sessions on a customer's Postgres, each in a process of its own, and what each may do."""

import ssl
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from django.conf import settings

from warehouse.backends import deadlines, process_sessions
from warehouse.backends.postgres_credentials import Server
from warehouse.backends.postgres_requests import Opened, OpenRequest, StatementRequest
from warehouse.backends.process_answers import Row
from warehouse.backends.process_sessions import ProcessSession
from warehouse.backends.query_results import StatementResult

T = TypeVar("T")

MODULE = "warehouse.backends.postgres_process"
CONNECT_SECONDS = 5  # for each address
# Added to the server's own timeout, for a server that does not keep it.
GRACE_SECONDS = 5
FIRST_VERSION_WITH_JSON_GUARD = 160000
MAX_SMALL_RESULT_ROWS, MAX_SMALL_RESULT_BYTES = 10_000, 10_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """One connection in one read-only transaction, kept by another process.

    All calls raise QueryFailedError and WarehouseError in the server's words.
    """

    session: ProcessSession
    deadline: float
    server_version: int

    @property
    def dialect(self) -> str:
        """What the server understands: from 16 on it can test a text for JSON."""
        is_older = self.server_version < FIRST_VERSION_WITH_JSON_GUARD
        return "postgres before 16" if is_older else "postgres"

    def fetch_result(self, text: str, parameters: Sequence[object]) -> StatementResult:
        """Run one of our statements whose result is small."""
        return self._collect(
            StatementRequest(
                text, tuple(parameters), MAX_SMALL_RESULT_ROWS, MAX_SMALL_RESULT_BYTES
            )
        )

    def fetch_rows(self, text: str, parameters: Sequence[object]) -> list[Row]:
        """Run one of our statements whose result is small and return its rows."""
        return self.fetch_result(text, parameters).rows

    def fetch_records(
        self, record_type: type[T], text: str, parameters: Sequence[object]
    ) -> list[T]:
        """Run one of our statements, whose columns are the fields of the type.

        Raises TypeError for other columns, and for a value of another type.
        """
        records = self.fetch_result(text, parameters).build_records()
        return [build_record(record_type, record) for record in records]

    def stream_rows(
        self, text: str, parameters: Sequence[object], max_rows: int
    ) -> Generator[Row]:
        """Run a statement and yield its rows as they arrive.

        Raises QueryFailedError at the first row beyond `max_rows`, and beyond
        CUBE_ANSWER_BYTES.
        """
        request = StatementRequest(
            text, tuple(parameters), max_rows, settings.CUBE_ANSWER_BYTES
        )
        for batch in self.session.call(request, self._count_seconds_left()):
            yield from batch.rows

    def fetch_first_rows(
        self, text: str, parameters: Sequence[object], max_rows: int
    ) -> StatementResult:
        """Run a query in a server-side cursor and return its first `max_rows` rows.

        Raises QueryFailedError beyond QUERY_ANSWER_BYTES.
        """
        max_bytes = settings.QUERY_ANSWER_BYTES
        return self._collect(
            StatementRequest(
                text, tuple(parameters), max_rows, max_bytes, first_rows=True
            )
        )

    def _collect(self, request: StatementRequest) -> StatementResult:
        return self.session.collect(request, self._count_seconds_left())

    def _count_seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


def build_record(record_type: type[T], record: Mapping[str, object]) -> T:
    """Return a record of the type. Raises TypeError for a value of another type."""
    for name, value_type in get_type_hints(record_type).items():
        if name in record and not isinstance(record[name], value_type):
            raise TypeError(f"{name} is {record[name]!r}.")
    return record_type(**record)


@contextmanager
def open_session(
    server: Server, seconds: float, extra_settings: Mapping[str, str]
) -> Iterator[Session]:
    """Open a session that can change nothing and ends in time; it is rolled back.

    It ends with the deadline of the request at the latest. Raises QueryFailedError and
    WarehouseError in the server's words, without the password. UnavailableError is only
    for the managed store.
    """
    seconds = deadlines.limit_seconds(seconds)
    request = build_request(server, seconds, extra_settings)
    with process_sessions.open_session(
        MODULE, server.host, seconds, [server.password]
    ) as session:
        (opened,) = session.call(request, settings.WAREHOUSE_CONNECT_SECONDS)
        assert isinstance(opened, Opened)
        deadline = time.monotonic() + seconds + 3 * GRACE_SECONDS
        yield Session(session, deadline, opened.server_version)


def build_request(
    server: Server, seconds: float, extra_settings: Mapping[str, str]
) -> OpenRequest:
    """Return what opens a session whose statements may take `seconds`."""
    return OpenRequest(
        server.host,
        server.port,
        settings.WAREHOUSE_ALLOW_PRIVATE,
        _build_connect_arguments(server),
        {**_build_session_settings(seconds), **extra_settings},
        seconds + GRACE_SECONDS,
        GRACE_SECONDS,
    )


def _build_session_settings(seconds: float) -> dict[str, str]:
    return {
        "statement_timeout": f"{max(1, round(1000 * seconds))}ms",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "client_connection_check_interval": "5s",  # stop when the worker was killed
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "default_transaction_read_only": "on",
    }


def _build_connect_arguments(server: Server) -> dict[str, Any]:
    """Return libpq's keyword arguments, without the host's addresses.

    Everything that libpq would read from elsewhere (service, password and certificate
    files, options from the environment, Kerberos) is set here.
    """
    certificate_arguments: dict[str, Any] = {}
    if server.sslmode.startswith("verify"):
        ca_file = settings.WAREHOUSE_CA_FILE or _find_ca_file()
        certificate_arguments["sslrootcert"] = ca_file
    return {
        "dbname": server.database,
        "user": server.username,
        "password": server.password,
        "sslmode": server.sslmode,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "levered",
        "options": "",
        "passfile": "/dev/null",
        "gssencmode": "disable",
        "sslcertmode": "disable",
        "client_encoding": "utf8",
        "target_session_attrs": "any",
        "keepalives_idle": 30,
        "tcp_user_timeout": 30_000,
        "prepare_threshold": None,  # a pooler may not support prepared statements
        **certificate_arguments,
    }


def _find_ca_file() -> str:
    """Return the machine's file of certificate authorities, or OpenSSL's own choice."""
    return ssl.get_default_verify_paths().cafile or "system"

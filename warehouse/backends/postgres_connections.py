"""Sessions on a customer's Postgres, each in a process of its own, and what each may do."""

import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from levered_site.errors import WarehouseError
from warehouse.backends import addresses, cancellation
from warehouse.backends.errors import QueryFailedError, redact_secrets
from warehouse.backends.postgres_credentials import Server
from warehouse.backends.postgres_requests import (
    Failure,
    Opened,
    OpenRequest,
    Row,
    RowBatch,
    StatementRequest,
)
from warehouse.backends.query_results import StatementResult
from warehouse.processes.isolated_process import IsolatedProcess, ProcessEndedError
from warehouse.processes.messages import DeadlineError

T = TypeVar("T")

MODULE = "warehouse.backends.postgres_process"
CONNECT_SECONDS = 5  # for each address
MAX_ADDRESSES = 3
# Added to the server's own timeout, for a server that does not keep it.
GRACE_SECONDS = 5
FIRST_VERSION_WITH_JSON_GUARD = 160000
MAX_ROWS_BEHIND_FIRST = 10_000_000  # that are never read
MAX_SMALL_RESULT_ROWS, MAX_SMALL_RESULT_BYTES = 10_000, 10_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """One connection in one read-only transaction, kept by another process.

    All calls raise QueryFailedError and WarehouseError in the server's words.
    """

    process: IsolatedProcess
    server: Server
    seconds: int
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
        """Run one of our statements, whose columns are the fields of the type."""
        records = self.fetch_result(text, parameters).build_records()
        return [record_type(**record) for record in records]

    def stream_rows(
        self, text: str, parameters: Sequence[object], max_rows: int
    ) -> Iterator[Row]:
        """Run a statement and yield its rows as they arrive.

        Raises QueryFailedError at the first row beyond `max_rows`, and beyond
        CUBE_ANSWER_BYTES.
        """
        request = StatementRequest(
            text, tuple(parameters), max_rows, settings.CUBE_ANSWER_BYTES
        )
        for batch in self._run(request):
            yield from batch.rows

    def fetch_first_row(self, text: str, parameters: Sequence[object]) -> Row:
        """Run one of our statements and return its first row; the session ends there."""
        return next(self.stream_rows(text, parameters, MAX_ROWS_BEHIND_FIRST))

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
        batches = list(self._run(request))
        columns = batches[-1].columns
        return StatementResult(
            columns, [row for batch in batches for row in batch.rows]
        )

    def _run(self, request: StatementRequest) -> Iterator[RowBatch]:
        seconds_left = max(0.0, self.deadline - time.monotonic())
        for message in self.process.call(request, seconds_left):
            if isinstance(message, Failure):
                raise _build_error(message, self.server, self.seconds, request)
            yield message


@contextmanager
def open_session(
    server: Server, seconds: int, extra_settings: Mapping[str, str]
) -> Iterator[Session]:
    """Open a session that can change nothing and ends in time; it is rolled back.

    Raises QueryFailedError and WarehouseError in the server's words, without the
    password. UnavailableError is only for the managed store.
    """
    arguments = build_connect_arguments(server)
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
    request = OpenRequest(
        arguments, session_settings, seconds + GRACE_SECONDS, GRACE_SECONDS
    )
    process = IsolatedProcess(MODULE, settings.QUERY_PROCESS_BYTES)
    with (
        closing(process),
        _translate_ends(server, seconds),
        cancellation.watch_statement(process.interrupt),
    ):
        connect_seconds = CONNECT_SECONDS * MAX_ADDRESSES + GRACE_SECONDS
        (opened,) = process.call(request, connect_seconds)
        if isinstance(opened, Failure):
            raise _build_error(opened, server, seconds)
        assert isinstance(opened, Opened)
        deadline = time.monotonic() + seconds + 3 * GRACE_SECONDS
        yield Session(process, server, seconds, deadline, opened.server_version)


def build_connect_arguments(server: Server) -> dict[str, Any]:
    """Return libpq's keyword arguments for an address that was resolved and checked.

    Everything that libpq would read from elsewhere (service, password and certificate
    files, options from the environment, Kerberos) is set here.
    """
    hosts = addresses.resolve_host(server.host, server.port)[:MAX_ADDRESSES]
    certificate_arguments: dict[str, Any] = {}
    if server.sslmode.startswith("verify"):
        ca_file = settings.WAREHOUSE_CA_FILE or _find_ca_file()
        certificate_arguments["sslrootcert"] = ca_file
    return {
        "host": ",".join([server.host] * len(hosts)),
        "hostaddr": ",".join(hosts),
        "port": str(server.port),
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


@contextmanager
def _translate_ends(server: Server, seconds: int) -> Iterator[None]:
    """Turn a process that ended or had to be killed into a WarehouseError."""
    try:
        yield
    except DeadlineError as error:
        raise WarehouseError(
            f"The server {server.host} did not answer within {seconds} s."
        ) from error
    except ProcessEndedError as error:
        raise WarehouseError(
            f"The server {server.host} sent an answer that is too large or does not "
            "follow the protocol of Postgres."
        ) from error


def _build_error(
    failure: Failure,
    server: Server,
    seconds: int,
    request: StatementRequest | None = None,
) -> WarehouseError:
    """Return the error for a failure, in the server's words, without the password."""
    if failure.kind == "timeout":
        return QueryFailedError.for_timeout(seconds)
    if failure.kind == "rows" and request:
        return QueryFailedError.for_row_limit(request.max_rows)
    if failure.kind == "bytes" and request:
        return QueryFailedError.for_size_limit(request.max_bytes)
    message = redact_secrets(failure.message, [server.password])
    is_statements = failure.kind == "statement"
    return QueryFailedError(message) if is_statements else WarehouseError(message)

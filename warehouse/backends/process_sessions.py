"""A warehouse that is asked by a process of its own, as the service's process sees it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings

from levered_site.errors import NotFoundError, WarehouseError
from warehouse.backends import cancellation, deadlines
from warehouse.backends.errors import QueryFailedError, redact_secrets
from warehouse.backends.process_answers import Failure
from warehouse.backends.query_results import StatementResult
from warehouse.processes.isolated_process import IsolatedProcess, ProcessEndedError
from warehouse.processes.messages import DeadlineError
from warehouse.processes.spares import SpareProcesses

# A warehouse that keeps the deadline of the request says so before its process is killed.
MARGIN_SECONDS = 2.0
# What the vendors' clients need to leave a network that has a proxy.
PROXY_VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
LEAVE_SECONDS = 2.0  # to end a session with the warehouse


@dataclass(frozen=True, slots=True)
class ProcessSession:
    """A process that asks the warehouse at `host`; a statement may take `seconds`.

    All calls raise QueryFailedError and WarehouseError in the warehouse's words, without
    `secrets`.
    """

    process: IsolatedProcess
    host: str
    seconds: float
    secrets: Sequence[object] = field(repr=False)

    def call(self, request: object, seconds: float) -> Iterator[Any]:
        """Send a request and yield the messages of its answer, within `seconds`.

        Raises NotFoundError for a missing table.
        """
        limit = deadlines.limit_seconds(seconds) + MARGIN_SECONDS
        for message in self.process.call(request, min(seconds, limit)):
            if isinstance(message, Failure):
                raise self._build_error(message)
            yield message

    def collect(self, request: object, seconds: float) -> StatementResult:
        """Send a request whose answer is batches of rows; return them all."""
        batches = list(self.call(request, seconds))
        rows = [row for batch in batches for row in batch.rows]
        return StatementResult(batches[-1].columns, rows, batches[-1].zoneless)

    def _build_error(self, failure: Failure) -> WarehouseError | NotFoundError:
        builders: dict[str, Callable[[], WarehouseError]] = {
            "timeout": lambda: QueryFailedError.for_timeout(self.seconds),
            "rows": lambda: QueryFailedError.for_row_limit(failure.limit),
            "bytes": lambda: self._build_size_error(failure.limit),
            "protocol": lambda: build_breach_error(self.host),
        }
        if failure.kind in builders:
            return builders[failure.kind]()
        message = redact_secrets(failure.message, self.secrets)
        if failure.kind == "missing":
            return NotFoundError(message)
        if failure.kind == "statement":
            return QueryFailedError(message)
        if failure.kind == "value":
            return WarehouseError(
                f"The server {self.host} sent a value that cannot be read: {message}"
            )
        is_named = self.host in message
        return WarehouseError(message if is_named else f"{self.host}: {message}")

    def _build_size_error(self, limit: int) -> WarehouseError:
        """Blame the query only where one was running: else there was no limit yet."""
        if not limit:
            return build_breach_error(self.host)
        return QueryFailedError.for_size_limit(limit)


@contextmanager
def open_session(
    module: str, host: str, seconds: float, secrets: Sequence[object]
) -> Iterator[ProcessSession]:
    """Lend a process that nobody has used, and end it afterwards.

    A cancelled run interrupts it. Raises WarehouseError, which names the host, if the
    process ends or has to be killed.
    """
    process = get_spares().take(module, settings.QUERY_PROCESS_BYTES)
    try:
        with (
            _translate_ends(host),
            cancellation.watch_statement(process.interrupt),
        ):
            yield ProcessSession(process, host, seconds, secrets)
    finally:
        process.close(LEAVE_SECONDS)


@cache
def get_spares() -> SpareProcesses:
    """Return the waiting processes of this process."""
    return SpareProcesses(PROXY_VARIABLES)


@contextmanager
def _translate_ends(host: str) -> Iterator[None]:
    """Turn a process that ended or had to be killed into a WarehouseError."""
    try:
        yield
    except DeadlineError as error:
        raise WarehouseError(
            f"The server {host} did not answer within {error.seconds:.0f} s."
        ) from error
    except ProcessEndedError as error:
        raise build_breach_error(host) from error


def build_breach_error(host: str) -> WarehouseError:
    """Return the error for an answer that a server of its kind does not send."""
    return WarehouseError(
        f"The server {host} sent an answer that is too large or does not follow its "
        "protocol."
    )

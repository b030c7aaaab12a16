"""Who is to blame for an error of a customer's Postgres: the statement, or the server."""

import re
import time
from typing import Literal

import psycopg

from warehouse.backends import postgres_states
from warehouse.backends.process_answers import Failure

STATE_PATTERN = re.compile(r"[0-9A-Z]{5}")
# Of the timeout: the clocks of two machines differ, and the server rounds.
SHARE_OF_TIMEOUT = 0.98


class StatementClock:
    """How long a session and its statement run, to tell why the server ended one."""

    def __init__(self) -> None:
        self.is_interrupted = False  # by the service
        self._opened_at = self._started_at = time.monotonic()
        self._session_seconds = self._statement_seconds = float("inf")

    def open(self, session_seconds: float, grace_seconds: float) -> None:
        """Begin a session; a statement has its seconds without those of grace."""
        self._opened_at = self._started_at = time.monotonic()
        self._session_seconds = session_seconds
        self._statement_seconds = session_seconds - grace_seconds

    def start_statement(self) -> None:
        """Begin a statement."""
        self._started_at = time.monotonic()

    def explain_cancellation(self, error: psycopg.Error) -> Failure:
        """Return the failure of a cancelled statement: by time, by us, or by others.

        A server may cancel one whenever its operator likes; then its own words are told.
        """
        if self.is_time_up():
            return Failure("timeout")
        if self.is_interrupted:
            return Failure("statement", "The query was cancelled.")
        return Failure("connection", describe_error(error))

    def is_time_up(self) -> bool:
        """Return whether the statement or the session has used its seconds."""
        now = time.monotonic()
        return (
            now - self._started_at >= SHARE_OF_TIMEOUT * self._statement_seconds
            or now - self._opened_at >= SHARE_OF_TIMEOUT * self._session_seconds
        )


def build_failure(error: psycopg.Error) -> Failure:
    """Return what is sent to the service for an error."""
    return Failure(_classify(error), describe_error(error))


def describe_error(error: psycopg.Error) -> str:
    """Return the server's message and its hint."""
    message = error.diag.message_primary or str(error).strip()
    hint = error.diag.message_hint
    return f"{message.removesuffix('.')}. {hint}" if hint else message


def _classify(
    error: psycopg.Error,
) -> Literal["connection", "value", "protocol", "statement"]:
    """Return the kind of a failure.

    An error of a statement has a code of the server's. Without one it is psycopg's: of
    the connection, of a value that Python cannot hold (DataError), or of an answer that
    breaks the protocol.
    """
    is_operational = isinstance(
        error, psycopg.OperationalError | psycopg.InterfaceError
    )
    state = error.sqlstate
    if not state:
        if is_operational:
            return "connection"
        return "value" if isinstance(error, psycopg.DataError) else "protocol"
    if not STATE_PATTERN.fullmatch(state):
        return "protocol"
    if is_operational and state.startswith(postgres_states.CONNECTION_STATES):
        return "connection"
    return "statement" if postgres_states.blames_statement(state) else "connection"

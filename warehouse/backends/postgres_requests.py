"""What is sent to the process that asks a customer's Postgres, and what it opened."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Look the host up, connect, and apply settings to the one read-only transaction.

    `connect_arguments` are libpq's, without addresses. A statement that still runs after
    `seconds` is cancelled; `grace_seconds` later the connection is shut down.
    """

    host: str
    port: int
    allow_private: bool
    connect_arguments: dict[str, Any] = field(repr=False)
    session_settings: dict[str, str]
    seconds: float
    grace_seconds: float


@dataclass(frozen=True, slots=True)
class StatementRequest:
    """Run one statement.

    With `first_rows` a server-side cursor fetches the first `max_rows` rows. Otherwise the
    rows are streamed, and more than `max_rows` are a failure.
    """

    text: str
    parameters: tuple[object, ...]
    max_rows: int
    max_bytes: int
    first_rows: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to OpenRequest."""

    server_version: int

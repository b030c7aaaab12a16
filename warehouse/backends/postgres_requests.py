"""What is sent to the process that asks a customer's Postgres, and what comes back."""

from dataclasses import dataclass, field
from typing import Any, Literal

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Connect, and apply settings to the one read-only transaction.

    A statement that still runs after `seconds` is cancelled; `grace_seconds` later the
    connection is shut down.
    """

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


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some of a statement's rows; the names of the columns are in every batch."""

    columns: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed: the connection, the statement or one of our limits."""

    kind: Literal["connection", "statement", "timeout", "rows", "bytes"]
    message: str = ""

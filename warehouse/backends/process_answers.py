"""What comes back from a process that asks a warehouse."""

from dataclasses import dataclass
from typing import Any, Literal

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some of a statement's rows; the names of the columns are in every batch.

    `zoneless` names the timestamp columns without a time zone, where the client tells.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    zoneless: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed: the connection, the statement or one of our limits.

    `limit` is the number of rows or bytes that were allowed. `missing` is a table that does
    not exist. `value` is one that cannot be read, and `protocol` an answer that a server of
    its kind does not send.
    """

    kind: Literal[
        "connection",
        "statement",
        "timeout",
        "rows",
        "bytes",
        "missing",
        "value",
        "protocol",
    ]
    message: str = ""
    limit: int = 0

"""What is sent to the process that asks a customer's Snowflake or BigQuery."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Open the client with these arguments; they hold secrets."""

    arguments: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Run one statement for at most `seconds`; more rows or bytes are a failure.

    `max_billed_bytes` is for BigQuery.
    """

    text: str
    parameters: tuple[object, ...]
    seconds: int
    max_rows: int
    max_bytes: int
    max_billed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """Return the bytes that a statement would read; BigQuery only."""

    text: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ListTablesRequest:
    """Return the tables of a dataset whose names contain `search`; BigQuery only."""

    project: str
    dataset: str
    search: str
    max_tables: int


@dataclass(frozen=True, slots=True)
class DescribeTableRequest:
    """Return the columns of a table; BigQuery only. `name` is what the customer wrote."""

    name: str
    full_name: str

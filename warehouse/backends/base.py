"""What every warehouse can do, and the words for its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from levered_site.errors import WarehouseError
from warehouse.sql.shapes import CheckedMetric, Cube, CubeSpec

# A query for people looks back this far where it asks for a start date.
LOOK_BACK = timedelta(days=30)


class QueryFailedError(WarehouseError):
    """The warehouse is there and refused the query itself, in its own words."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a customer's query may name; `rows` where the warehouse knows."""

    schema: str
    name: str
    type: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of such a table; `type` in the warehouse's own words."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query, values as JSON has them; `truncated` where there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of all rows of a metric since a start date.

    `identified` rows have an anonymous_id and a timestamp; `users` are distinct ids;
    `matched_users` those of them with an exposure (any optimization's); `exposed_users`
    says whether there are exposures at all. `numeric` rows have a value that is a
    number, `values` counts distinct ones; `repeated` rows equal another in every mapped
    column.
    """

    rows: int
    identified: int
    users: int
    matched_users: int
    exposed_users: int
    future: int
    zoneless: bool
    numeric: int
    values: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a metric, and what is true of all of them."""

    answer: Answer
    facts: Facts


class Backend(Protocol):
    """One organization's warehouse.

    Every call opens what it needs and closes it. All raise WarehouseError with the
    warehouse's own message (QueryFailedError where the query is at fault), and
    UnavailableError where it cannot be reached. A query that is refused before it runs
    is an InvalidParametersError on the field `sql`.
    """

    @property
    def dialect(self) -> str:
        """The dialect of its SQL, in sqlglot's words."""

    def test(self) -> int:
        """Reach it and come back; milliseconds."""

    def tables(self) -> list[Table]:
        """What a query may read."""

    def columns(self, table: str) -> list[Column]:
        """Describe a table, named with or without its schema; NotFoundError."""

    def query(self, sql: str, limit: int) -> Answer:
        """Run one read-only SELECT for at most `limit` rows."""

    def check_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, find its mapped columns.

        Raises InvalidParametersError that lists the columns there are.
        """

    def preview(self, metric: CheckedMetric, since: datetime, limit: int) -> Preview:
        """Read a metric's first rows and the facts of all since then."""

    def observe(self, spec: CubeSpec, metric: CheckedMetric) -> Cube:
        """Count the cells of the days of `spec`, inside the warehouse."""

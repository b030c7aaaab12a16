"""What every warehouse can do, and the words for its answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from levered_site.errors import (
    ConflictError,
    FieldProblem,
    InvalidParametersError,
    WarehouseError,
)
from warehouse.sql.shapes import CheckedMetric, CheckedSource, Cube, CubeSpec

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


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is true of all rows of an assignment source since a start date.

    As in Facts; `no_objects` rows have a variant that is no JSON object, `optimizations`
    counts the distinct ids there are.
    """

    rows: int
    identified: int
    users: int
    future: int
    zoneless: bool
    no_objects: int
    optimizations: int


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """The first rows of an assignment source, and what is true of all of them."""

    answer: Answer
    facts: SourceFacts


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows of one day (UTC) as a warehouse counts them now: what came late shows."""

    exposures: int
    rewards: int


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

    def prove_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew, without asking the warehouse."""

    def prove_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove an assignment source's query anew, without asking the warehouse.

        This and what else concerns sources raises ConflictError on the managed store.
        """

    def check_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, find its mapped columns.

        Raises as `check_metric`.
        """

    def preview(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then.

        Connected warehouses compare its ids with those of `source`, where there is one.
        """

    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Read a source's first rows and the facts of all since then."""

    def observe(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, inside the warehouse."""

    def recount(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRows]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""


class WithoutSources:
    """What the managed store answers where others speak of assignment sources."""

    def prove_source(
        self, _sql: str, _mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)

    check_source = prove_source

    def preview_source(
        self, _source: CheckedSource, _since: datetime, _limit: int
    ) -> SourcePreview:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)

    def recount(
        self, _spec: CubeSpec, _metric: CheckedMetric, _source: CheckedSource
    ) -> dict[date, DayRows]:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)


NO_SOURCE_NEEDED = (
    "The managed warehouse needs no assignment source: serve records and the exposures "
    "sent in are counted there. Connect a warehouse first."
)


def require_columns(
    checked: CheckedMetric | CheckedSource, found: Iterable[str]
) -> None:
    """Raise InvalidParametersError for mapped columns that a query does not return."""
    there = list(found)
    missing = [
        FieldProblem(
            f"column_mapping.{role}",
            f"The query returns no column {name!r}; it returns {', '.join(there)}.",
        )
        for role, name in _roles(checked).items()
        if name not in there
    ]
    if missing:
        raise InvalidParametersError(missing[0].message, missing)


def _roles(checked: CheckedMetric | CheckedSource) -> dict[str, str]:
    """Which column plays which part."""
    parts = [name for name in type(checked).__slots__ if name != "query"]
    columns = {role: getattr(checked, role) for role in parts}
    return {role: name for role, name in columns.items() if name}


def hidden(message: str, secrets: Iterable[object]) -> str:
    """Take secrets out of what a warehouse or its client said."""
    for secret in sorted({str(one) for one in secrets if one}, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message

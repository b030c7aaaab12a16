"""What a warehouse answers: tables, columns, rows, and facts about all of them."""

from dataclasses import dataclass


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
class QueryResult:
    """Rows of a query, values as JSON has them; `truncated` where there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: int | None = None


@dataclass(frozen=True, slots=True)
class MetricFacts:
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

    answer: QueryResult
    facts: MetricFacts


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

    answer: QueryResult
    facts: SourceFacts


@dataclass(frozen=True, slots=True)
class DayRowCounts:
    """Rows of one day (UTC) as a warehouse counts them now: what came late shows."""

    exposures: int
    rewards: int

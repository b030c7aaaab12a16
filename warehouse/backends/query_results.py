"""What a warehouse returns: tables, columns, rows, and facts about all rows of a query."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a customer's query may read; `rows` is None if it is not known."""

    schema: str
    name: str
    type: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `type` is the warehouse's own name of the type."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class StatementResult:
    """Columns and rows of a statement, as the warehouse's client returns them.

    `zoneless` names the timestamp columns without a time zone, where the client tells.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    zoneless: frozenset[str] = frozenset()
    bytes_scanned: int | None = None

    def build_records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of a query as JSON values; `truncated` says that the query has more rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    truncated: bool
    elapsed_ms: int
    bytes_scanned: int | None = None


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """Counts over all rows of a metric since a start date.

    `identified` counts rows that have an anonymous_id and a timestamp; `users` counts
    distinct ids that are not blank; `matched_users` counts those of them with an exposure in any
    optimization; `exposed_users` says whether there are exposures at all. `numeric`
    counts rows whose value is a number; `values` counts distinct numbers; `repeated`
    counts rows that equal another row in every mapped column. `midnight` counts rows
    whose timestamp has no time of day; `out_of_range` those with an infinite one or one
    outside of the years 1 to 9999; `empty_ids` those whose id is empty or blank.
    `alike_users` counts those without a match who would have one in lower case and
    without blanks or quotes around; `hashed_users` those whose id is the MD5 or SHA-256 of
    an exposure's, or of it in lower case; `hashed_exposed_users` those of whose id an
    exposure has such a hash; `hyphen_users` those who match without hyphens.
    `hash_like_users` and `hash_like_exposures` count ids without a match, and exposures,
    of 40, 64 or 128 hex digits. These five are counted on Postgres. `unread` counts rows with a value that is no finite number in
    range, as `unread_example`; one of NULL has none. `value_type` is the type of the value
    where the warehouse tells it. `one_day_time` says, on Postgres, whether the rows of
    several days are all at one time of day, as midnight of another zone is.
    """

    rows: int
    identified: int
    users: int
    matched_users: int
    exposed_users: bool
    future: int
    zoneless: bool
    numeric: int
    values: int
    repeated: int
    midnight: int = 0
    out_of_range: int = 0
    empty_ids: int = 0
    alike_users: int = 0
    unread: int = 0
    unread_example: str | None = None
    value_type: str | None = None
    hashed_users: int = 0
    hashed_exposed_users: int = 0
    hyphen_users: int = 0
    hash_like_users: int = 0
    hash_like_exposures: int = 0
    one_day_time: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a metric, and facts about all of them."""

    answer: QueryResult
    facts: MetricFacts


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Counts over all rows of an assignment source since a start date.

    Fields as in MetricFacts. `no_objects` counts rows whose variant is not a JSON
    object, `no_contexts` rows that have a context which is none; `optimizations` counts
    distinct optimization ids.
    """

    rows: int
    identified: int
    users: int
    future: int
    zoneless: bool
    no_objects: int
    optimizations: int
    empty_ids: int = 0
    no_contexts: int = 0
    midnight: int = 0
    one_day_time: bool = False


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """The first rows of an assignment source, and facts about all of them."""

    answer: QueryResult
    facts: SourceFacts


@dataclass(frozen=True, slots=True)
class DayRowCounts:
    """Rows of one day (UTC) in the warehouse now; a changed count shows late rows.

    The hashes are sums over the rows: where they change and the counts do not, rows were
    changed in place. None where they are not known.
    """

    exposures: int
    rewards: int
    exposures_hash: int | None = None
    rewards_hash: int | None = None

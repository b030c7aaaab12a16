"""What every warehouse can do."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

from levered_site.errors import ConflictError, WarehouseError
from warehouse.backends.query_results import (
    Column,
    DayRowCounts,
    Preview,
    QueryResult,
    SourcePreview,
    Table,
)
from warehouse.sql.shapes import CheckedMetric, CheckedSource, Cube, CubeSpec

# A query for people looks back this far where it asks for a start date.
PREVIEW_LOOK_BACK = timedelta(days=30)


class QueryFailedError(WarehouseError):
    """The warehouse is there and refused the query itself, in its own words."""


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

    def query(self, sql: str, limit: int) -> QueryResult:
        """Run one read-only SELECT for at most `limit` rows."""

    def validate_and_run_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, find its mapped columns.

        Raises InvalidParametersError that lists the columns there are.
        """

    def validate_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew, without asking the warehouse."""

    def validate_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove an assignment source's query anew, without asking the warehouse.

        This and what else concerns sources raises ConflictError on the managed store.
        """

    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, find its mapped columns.

        Raises as `check_metric`.
        """

    def preview_metric(
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

    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, inside the warehouse."""

    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""


class NoSourcesMixin:
    """What the managed store answers where others speak of assignment sources."""

    def validate_source(
        self, _sql: str, _mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)

    validate_and_run_source = validate_source

    def preview_source(
        self, _source: CheckedSource, _since: datetime, _limit: int
    ) -> SourcePreview:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)

    def count_rows_by_day(
        self, _spec: CubeSpec, _metric: CheckedMetric, _source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        """Raise ConflictError."""
        raise ConflictError(NO_SOURCE_NEEDED)


NO_SOURCE_NEEDED = (
    "The managed warehouse needs no assignment source: serve records and the exposures "
    "sent in are counted there. Connect a warehouse first."
)

"""The base of all warehouse backends: check, sample and preview customers' queries.

A backend adds what differs: the SQL dialect, the catalog, how a statement runs and how
the client's errors translate.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.utils import timezone

from warehouse.backends import (
    json_values,
    query_checks,
    query_failures,
    query_validation,
    recursion_failures,
)
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.query_results import (
    Column,
    DayRowCounts,
    MetricFacts,
    Preview,
    QueryResult,
    SourcePreview,
    StatementResult,
    Table,
)
from warehouse.sql.preview import projection
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
)

Checked = TypeVar("Checked", CheckedMetric, CheckedSource)

MAX_TABLES = 2000  # of a list; more are searched for
# The start date of samples and previews, where a query asks for one.
PREVIEW_LOOK_BACK = timedelta(days=30)


class Backend(ABC):
    """One organization's warehouse.

    Each call opens the connections that it needs and closes them. All calls raise
    InvalidParametersError on the field `sql` if a query is refused before it runs;
    QueryFailedError, in the warehouse's words, if the query fails; WarehouseError, in
    the warehouse's words, for other failures of a connected warehouse; and
    UnavailableError if the managed store cannot be reached.
    """

    __slots__ = ()

    dialect: ClassVar[str]  # as sqlglot names it
    is_managed: ClassVar[bool] = False

    @property
    def schema(self) -> str | None:
        """Schema of the tables that a query names without one."""
        return None

    def find_dialect(self) -> str:
        """Return the dialect for which `build_statement` builds the cube's statement."""
        return self.dialect

    @property
    def database(self) -> str | None:
        """The connected database, which a query may name before a schema."""
        return None

    @abstractmethod
    def tables(self, search: str = "") -> list[Table]:
        """Return the tables that a query may read, at most MAX_TABLES and one more.

        With `search`, those whose `schema.name` contains it in any case.
        """

    @abstractmethod
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns. A table is named as a query names it.

        The schema may be left out. Quotes may be left out, also where a name has dots.

        Raises NotFoundError if there is no such table.
        """

    @abstractmethod
    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, inside the warehouse."""

    @abstractmethod
    def validate_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Check an assignment source's query without running it.

        The managed store raises ConflictError for everything about sources.
        """

    @abstractmethod
    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Check an assignment source's query, then run it for one row.

        Raises as `validate_and_run_metric`.
        """

    @abstractmethod
    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Return a source's first rows, and facts about all rows since then."""

    @abstractmethod
    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""

    @abstractmethod
    def _ping(self) -> None:
        """Connect and run the smallest statement."""

    @abstractmethod
    def _run_sample(
        self, query: CheckedQuery, since: datetime, max_rows: int
    ) -> StatementResult:
        """Return the first `max_rows` rows of a query, at most QUERY_ANSWER_BYTES."""

    @abstractmethod
    def _fetch_metric_facts(
        self, metric: CheckedMetric, source: CheckedSource | None, since: datetime
    ) -> MetricFacts:
        """Count over all rows of a metric since then."""

    def test(self) -> int:
        """Connect and run a statement; return the milliseconds that took."""
        started = time.monotonic()
        self._ping()
        return _measure_elapsed_ms(started)

    def list_role_warnings(self) -> list[str]:
        """Return what the connected role may do and should not."""
        return []

    def find_names(self) -> dict[str, str]:
        """Return names as the warehouse spells them, to be stored with the credentials."""
        return {}

    def check_query(self, sql: str) -> CheckedQuery:
        """Check a query without running it. Its text alone is ever run."""
        with query_validation.translate_refusals():
            return query_checks.check_query(
                sql,
                self.dialect,
                managed=self.is_managed,
                schema=self.schema,
                database=self.database,
            )

    def query(self, sql: str, limit: int) -> QueryResult:
        """Run one read-only SELECT and return at most `limit` rows."""
        query = self.check_query(sql)
        result, _ = self._fetch_sample(query, limit, timezone.now() - PREVIEW_LOOK_BACK)
        return result

    def validate_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Check a metric's query without running it.

        Snowflake may be asked for the names of its columns.
        """
        with query_validation.translate_refusals():
            metric = query_checks.check_metric_query(
                sql,
                mapping,
                self.dialect,
                managed=self.is_managed,
                schema=self.schema,
                database=self.database,
            )
        return self._spell_columns(metric)

    def validate_and_run_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Check a metric's query, then run it for one row.

        Raises InvalidParametersError, listing the columns of the result, if it lacks a
        mapped column, and on `column_mapping` if a column's type does not fit.
        """
        return self._require_readable_columns(self.validate_metric(sql, mapping))

    def preview_metric(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Return a metric's first rows, and facts about all rows since then.

        A connected warehouse compares the metric's ids with those of `source`, if given.
        """
        result, zoneless = self._fetch_sample(metric.query, limit, since)
        with recursion_failures.name_recursions(metric.query):
            facts = self._fetch_metric_facts(metric, source, since)
        is_zoneless = facts.zoneless or metric.timestamp in zoneless
        return Preview(result, replace(facts, zoneless=is_zoneless))

    def require_recursions_end(self, query: CheckedQuery) -> None:
        """Run each recursive WITH query of a query alone, as a sample would.

        Raises InvalidParametersError on `sql`, which names it, if one meets a limit.
        """
        since = timezone.now() - PREVIEW_LOOK_BACK
        recursion_failures.require_ends(
            query, lambda reading: self._run_sample(reading, since, 1)
        )

    def _estimate_cost(self, _query: CheckedQuery, _since: datetime) -> float | None:
        """Return what the planner expects a query to cost, in its own units.

        None where the warehouse has no such figure: BigQuery prices each statement in
        bytes before it runs it, and Snowflake has its timeout alone.
        """
        return None

    def _require_affordable_count(self, *queries: CheckedQuery) -> None:
        """Price queries again, as when they were saved, before they are counted.

        Raises QueryFailedError if the planner expects one to cost too much. The days that
        are counted make no difference: a long history is no endless query.
        """
        since = timezone.now() - PREVIEW_LOOK_BACK
        for query in queries:
            cost = self._estimate_cost(query, since)
            query_validation.require_affordable_count(cost)

    def _normalize_column(self, name: str) -> str:
        """Return how the warehouse stores a column that the query does not name."""
        return name

    def _list_columns(self, checked: Checked) -> tuple[str, ...]:
        """Return the names of a query's columns, or none if its text does not tell."""
        return checked.query.columns or ()

    def _spell_columns(self, checked: Checked) -> Checked:
        """Return the mapped columns as the query or the warehouse spells them."""
        result_columns = self._list_columns(checked)
        columns: dict[str, Any] = {
            role: query_validation.find_spelling(name, result_columns)
            or self._normalize_column(name)
            for role, name in query_validation.map_roles_to_columns(checked).items()
        }
        return replace(checked, **columns)

    def _require_readable_columns(self, checked: Checked) -> Checked:
        """Run a query for one row, then its mapped columns as the cube reads them.

        Returns the query with the columns as the warehouse spells them. Raises
        InvalidParametersError if a column is missing or has a wrong type, and before
        anything runs if the planner expects the query to cost too much.
        """
        since = timezone.now() - PREVIEW_LOOK_BACK
        with self._explain_failures(checked.query):
            cost = self._estimate_cost(checked.query, since)
        query_validation.require_affordable(cost)
        result, _ = self._fetch_sample(checked.query, 1, since)
        checked = self._respell_columns(checked, result.columns)
        query_validation.require_columns(checked, result.columns)
        with query_validation.translate_mapping_failures():
            self._fetch_sample(projection.project_columns(checked), 1, since)
        return checked

    def _respell_columns(
        self, checked: Checked, _result_columns: tuple[str, ...]
    ) -> Checked:
        """Return the mapped columns as the result of the query spells them."""
        return checked

    def _run_named_sample(
        self, query: CheckedQuery, since: datetime, max_rows: int
    ) -> StatementResult:
        """Return the first rows; a failure on an unknown name names those there are."""
        with (
            recursion_failures.name_recursions(query),
            self._explain_failures(query),
        ):
            return self._run_sample(query, since, max_rows)

    @contextmanager
    def _explain_failures(self, query: CheckedQuery) -> Iterator[None]:
        """Let a failure on an unknown table or column name those there are."""
        try:
            yield
        except QueryFailedError as error:
            message = query_failures.explain_failure(
                query, error.message, self.columns, self.tables
            )
            if message is None:
                raise
            raise QueryFailedError(message) from error

    def _fetch_sample(
        self, query: CheckedQuery, limit: int, since: datetime
    ) -> tuple[QueryResult, frozenset[str]]:
        """Return at most `limit` rows, and the names of columns without a time zone."""
        started = time.monotonic()
        sample = self._run_named_sample(query, since, limit + 1)
        rows = tuple(
            tuple(json_values.to_json_value(value) for value in row)
            for row in sample.rows[:limit]
        )
        result = QueryResult(
            sample.columns,
            rows,
            truncated=len(sample.rows) > limit,
            elapsed_ms=_measure_elapsed_ms(started),
            bytes_scanned=sample.bytes_scanned,
        )
        return result, sample.zoneless


def _measure_elapsed_ms(started: float) -> int:
    """Return the milliseconds since a reading of the monotonic clock."""
    return round((time.monotonic() - started) * 1000)

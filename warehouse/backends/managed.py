"""The managed store: the service's own Postgres, read by a role that sees two views."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from typing_extensions import override

from levered_site.errors import ConflictError, NotFoundError
from warehouse.backends import (
    json_budget,
    managed_connections,
    managed_statistics,
    postgres_values,
    query_plans,
)
from warehouse.backends.base import Backend
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.managed_connections import Cursor
from warehouse.backends.postgres_settings import CUBE_SETTINGS
from warehouse.backends.query_results import (
    Column,
    DayRowCounts,
    MetricFacts,
    SourcePreview,
    StatementResult,
    Table,
)
from warehouse.sql.cube import day_ranges
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.customer import managed_schema
from warehouse.sql.preview import managed, postgres
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    FirstTouchCoverage,
)

NO_SOURCE_NEEDED = (
    "The managed warehouse needs no assignment source: it counts serve records and the "
    "exposures sent to the API. Connect a warehouse first."
)
# Each parallel worker would have limits of its own. The compiler of `jit` ends the whole
# server when it finds no memory.
QUERY_SETTINGS = {"max_parallel_workers_per_gather": "0", "jit": "off"}
SELECT_FIRST_TOUCH_COVERAGE = """SELECT until, first_at FROM managed_dw.look_backs
WHERE organization_id = $1 AND optimization_id = $2"""


def build_backend(organization_id: str) -> "ManagedBackend":
    """Return the managed store as one organization sees it."""
    return ManagedBackend(organization_id)


@dataclass(frozen=True, slots=True)
class ManagedBackend(Backend):
    """Backend of the managed store.

    It opens short connections of its own, so nothing that a query does to a session can
    reach the connection that serves requests.
    """

    dialect: ClassVar[str] = "postgres"
    is_managed: ClassVar[bool] = True

    organization_id: str

    @override
    def tables(self, search: str = "") -> list[Table]:
        return [
            Table(managed_schema.SCHEMA, name, "view")
            for name in managed_schema.COLUMNS
            if search.lower() in f"{managed_schema.SCHEMA}.{name}"
        ]

    @override
    def columns(self, table: str) -> list[Column]:
        name = _fold_name(table).removeprefix(f"{managed_schema.SCHEMA}.")
        if name not in managed_schema.COLUMNS:
            raise NotFoundError(f"There is no table {table}.")
        nullable = managed_schema.NULLABLE[name]
        return [
            Column(column, sql_type, column in nullable)
            for column, sql_type in managed_schema.COLUMNS[name].items()
        ]

    @override
    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells, by one statement for each range of consecutive days."""
        if spec.organization_id != self.organization_id:
            raise ValueError("the spec belongs to another organization")
        self._require_affordable_count(metric.query)
        seconds = settings.CUBE_TIMEOUT_SECONDS
        disk = {"temp_file_limit": f"{settings.CUBE_DISK_MB}MB"}
        with self._open_cursor(seconds, CUBE_SETTINGS | disk) as cursor:
            spec = replace(spec, remembered=_load_first_touch_coverage(cursor, spec))
            cubes = [
                _count_cells(cursor, range_spec, metric)
                for range_spec in day_ranges.split_spec(spec)
            ]
        return day_ranges.join_cubes(cubes)

    @override
    def validate_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        raise ConflictError(NO_SOURCE_NEEDED)

    @override
    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        raise ConflictError(NO_SOURCE_NEEDED)

    @override
    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        raise ConflictError(NO_SOURCE_NEEDED)

    @override
    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        raise ConflictError(NO_SOURCE_NEEDED)

    @override
    def _ping(self) -> None:
        with self._open_cursor(seconds=5) as cursor:
            cursor.execute("SELECT 1")

    @override
    def _run_sample(
        self, query: CheckedQuery, since: datetime, max_rows: int
    ) -> StatementResult:
        max_bytes = settings.QUERY_ANSWER_BYTES
        parameters = (*self._list_parameters(since), max_rows, max_bytes)
        try:
            with self._open_cursor(settings.QUERY_TIMEOUT_SECONDS) as cursor:
                postgres_values.print_values(cursor)
                cursor.execute(managed.build_sample(query), parameters)
                json_budget.spend_items(postgres_values.count_list_items(cursor))
                columns = tuple(column.name for column in cursor.description or ())
                # The statement adds a last column of its own.
                rows = [row[:-1] for row in cursor]
        except QueryFailedError as error:
            if postgres.TOO_LARGE not in error.message:
                raise
            raise QueryFailedError.for_size_limit(max_bytes) from error
        return StatementResult(columns[:-1], rows)

    @override
    def _estimate_cost(self, query: CheckedQuery, since: datetime) -> float | None:
        parameters = self._list_parameters(since)
        plan = managed.build_plan(query)
        managed_statistics.analyze_stale_days()
        with self._open_cursor(settings.QUERY_TIMEOUT_SECONDS) as cursor:
            # No name holds the stream, so it ends before the cursor does.
            return query_plans.read_plan_cost(
                query, (line for (line,) in cursor.stream(plan, parameters))
            )

    @override
    def _fetch_metric_facts(
        self, metric: CheckedMetric, source: CheckedSource | None, since: datetime
    ) -> MetricFacts:
        parameters = (*self._list_parameters(since), timezone.now())
        with self._open_cursor(settings.QUERY_TIMEOUT_SECONDS) as cursor:
            (facts,) = managed_connections.fetch_records(
                cursor, MetricFacts, managed.build_facts(metric), parameters
            )
        return facts

    def _list_parameters(self, since: datetime) -> tuple[object, ...]:
        """Return those of a CheckedQuery that sees all rewards, of all times."""
        return (self.organization_id, since, None, managed.ALL_TIMES)

    @contextmanager
    def _open_cursor(
        self, seconds: int, extra_settings: Mapping[str, str] | None = None
    ) -> Iterator[Cursor]:
        with managed_connections.open_cursor(
            self.organization_id, seconds, extra_settings or QUERY_SETTINGS
        ) as cursor:
            yield cursor


def _count_cells(cursor: Cursor, spec: CubeSpec, metric: CheckedMetric) -> Cube:
    statement = build_statement(spec, metric)
    cursor.execute(statement.text, statement.parameters)
    return decode_cube(cursor.fetchall(), spec)


def _load_first_touch_coverage(
    cursor: Cursor, spec: CubeSpec
) -> FirstTouchCoverage | None:
    """Return which first touches are stored. The range only grows, so it stays true."""
    parameters = (spec.organization_id, UUID(spec.optimization_id))
    rows = managed_connections.fetch_records(
        cursor, FirstTouchCoverage, SELECT_FIRST_TOUCH_COVERAGE, parameters
    )
    return rows[0] if rows else None


def _fold_name(table: str) -> str:
    """Return a name as a query means it: without quotes what has some, else lower case."""
    return ".".join(
        part[1:-1] if len(part) > 1 and part[0] == part[-1] == '"' else part.lower()
        for part in table.split(".")
    )

"""A customer's own Postgres: read only, in short connections of their own."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from levered_site.errors import NotFoundError
from warehouse.backends import (
    json_values,
    postgres_connections,
    postgres_credentials,
    query_validation,
)
from warehouse.backends.base import PREVIEW_LOOK_BACK, QueryFailedError
from warehouse.backends.postgres_connections import Session
from warehouse.backends.postgres_credentials import Server
from warehouse.backends.query_results import (
    Column,
    DayRowCounts,
    MetricFacts,
    Preview,
    QueryResult,
    SourceFacts,
    SourcePreview,
    Table,
)
from warehouse.sql.cube import statement
from warehouse.sql.customer import check
from warehouse.sql.preview import catalog_postgres, projection
from warehouse.sql.preview.postgres import (
    TOO_LARGE,
    build_day_counts,
    build_facts,
    build_sample,
    build_source_facts,
)
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
)

DEFAULT_SCHEMA = "public"  # of tables that a query names without one
MAX_TABLES, MAX_CELLS = 2000, 2_000_000
CUBE_SETTINGS = {
    "enable_nestloop": "off",  # the planner takes our intermediate results for tiny
    "jit": "off",
    "work_mem": "64MB",
}

validate_credentials = postgres_credentials.validate_credentials


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    _project_id: str = "",
    dataset_id: str = "",
) -> "PostgresBackend":
    """Describe an organization's server; nothing is opened yet."""
    return PostgresBackend(
        organization_id, Server(**credentials), dataset_id or DEFAULT_SCHEMA
    )


@dataclass(frozen=True, slots=True)
class PostgresBackend:
    """Backend of a connected Postgres; see base.Backend."""

    organization_id: str
    server: Server = field(repr=False)
    schema: str = DEFAULT_SCHEMA
    dialect: str = "postgres"

    def test(self) -> int:
        """Reach the server and read something; milliseconds."""
        started = time.monotonic()
        with self._open_session(15) as session:
            session.rows("SELECT $1::integer", (1,))
        return query_validation.measure_elapsed_ms(started)

    def tables(self) -> list[Table]:
        """Name what the role may read, but for the catalogs."""
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            rows = session.rows(catalog_postgres.SELECT_TABLES, (MAX_TABLES,))
        return [Table(*row) for row in rows]

    def columns(self, table: str) -> list[Column]:
        """Describe a table, with its schema or in the connection's."""
        schema, _, name = table.rpartition(".")
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            rows = session.rows(
                catalog_postgres.SELECT_COLUMNS, (schema or self.schema, name)
            )
        if not rows:
            raise NotFoundError(f"There is no table {table}.")
        return [Column(*row) for row in rows]

    def query(self, sql: str, limit: int) -> QueryResult:
        """Run one SELECT; `limit` rows at most."""
        with query_validation.translate_refusals():
            query = check.check_query(sql, managed=False, schema=self.schema)
        return self._fetch_sample(query, limit, timezone.now() - PREVIEW_LOOK_BACK)

    def validate_and_run_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.validate_metric(sql, mapping)
        found = self._fetch_sample(metric.query, 1, timezone.now() - PREVIEW_LOOK_BACK)
        query_validation.require_columns(metric, found.columns)
        with query_validation.translate_mapping_failures():
            self._fetch_sample(
                projection.project_columns(metric),
                1,
                timezone.now() - PREVIEW_LOOK_BACK,
            )
        return metric

    def validate_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew; a refusal is InvalidParametersError."""
        with query_validation.translate_refusals():
            return check.check_metric_query(
                sql, mapping, managed=False, schema=self.schema
            )

    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, read its mapped columns."""
        source = self.validate_source(sql, mapping)
        found = self._fetch_sample(source.query, 1, timezone.now() - PREVIEW_LOOK_BACK)
        query_validation.require_columns(source, found.columns)
        with query_validation.translate_mapping_failures():
            self._fetch_sample(
                projection.project_columns(source),
                1,
                timezone.now() - PREVIEW_LOOK_BACK,
            )
        return source

    def validate_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query anew; a refusal is InvalidParametersError."""
        with query_validation.translate_refusals():
            return check.check_source_query(sql, mapping, schema=self.schema)

    def preview_metric(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer = self._fetch_sample(metric.query, limit, since)
        (row,) = self._fetch_facts(build_facts(metric, source), since)
        return Preview(answer, MetricFacts(*row))

    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Read a source's first rows and the facts of all since then."""
        answer = self._fetch_sample(source.query, limit, since)
        (row,) = self._fetch_facts(build_source_facts(source), since)
        return SourcePreview(answer, SourceFacts(*row))

    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, in one statement."""
        assert source is not None  # whoever asks a connected warehouse has one
        with self._open_session(
            settings.CUBE_TIMEOUT_SECONDS, CUBE_SETTINGS
        ) as session:
            dialect = "postgres" if session.guards_json else "postgres before 16"
            asked = statement.build_statement(spec, metric, source, dialect)
            return statement.decode_cube(
                session.stream(asked.text, asked.parameters, MAX_CELLS), spec
            )

    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""
        since = spec.history_from
        parameters = (since, since, spec.optimization_id, spec.as_of)
        with self._open_session(
            settings.CUBE_TIMEOUT_SECONDS, CUBE_SETTINGS
        ) as session:
            rows = session.rows(build_day_counts(metric, source), parameters)
        return {day: DayRowCounts(*counts) for day, *counts in rows}

    def _fetch_facts(self, text: str, since: datetime) -> list[tuple[Any, ...]]:
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            return session.rows(text, (since, since, timezone.now()))

    def _fetch_sample(
        self, query: CheckedQuery, limit: int, since: datetime
    ) -> QueryResult:
        started = time.monotonic()
        most = settings.QUERY_ANSWER_BYTES
        parameters = (since, since, limit + 1, most)
        try:
            with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
                columns, rows = session.cursor(
                    build_sample(query), parameters, limit + 1
                )
        except QueryFailedError as error:
            if TOO_LARGE not in error.message:
                raise
            raise QueryFailedError(
                f"The answer is larger than {most:,} bytes: ask for fewer columns or rows."
            ) from error
        shown = tuple(_convert_row(row[:-1]) for row in rows[:limit])
        return QueryResult(
            columns[:-1],
            shown,
            len(rows) > limit,
            query_validation.measure_elapsed_ms(started),
        )

    @contextmanager
    def _open_session(
        self, seconds: int, tuned: Mapping[str, str] | None = None
    ) -> Iterator[Session]:
        with postgres_connections.open_session(
            self.server, seconds, tuned or {}
        ) as session:
            yield session


def _convert_row(row: Sequence[object]) -> tuple[object, ...]:
    return tuple(json_values.to_json_value(one) for one in row)

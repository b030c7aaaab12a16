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
from warehouse.backends import asking, plain, postgres_connections, postgres_credentials
from warehouse.backends.answers import (
    Answer,
    Column,
    DayRows,
    Facts,
    Preview,
    SourceFacts,
    SourcePreview,
    Table,
)
from warehouse.backends.base import LOOK_BACK, QueryFailedError
from warehouse.backends.postgres_connections import Session
from warehouse.backends.postgres_credentials import Server
from warehouse.sql.cube import statement
from warehouse.sql.customer import check
from warehouse.sql.preview import catalog_postgres, postgres as sample, projection
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
)

SCHEMA = "public"  # of tables that a query names without one
MOST_TABLES, MOST_CELLS = 2000, 2_000_000
CUBE_SETTINGS = {
    "enable_nestloop": "off",  # the planner takes our intermediate results for tiny
    "jit": "off",
    "work_mem": "64MB",
}

credentials = postgres_credentials.credentials


def of(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    _project_id: str = "",
    dataset_id: str = "",
) -> "Postgres":
    """Describe an organization's server; nothing is opened yet."""
    return Postgres(organization_id, Server(**credentials), dataset_id or SCHEMA)


@dataclass(frozen=True, slots=True)
class Postgres:
    """Backend of a connected Postgres; see base.Backend."""

    organization_id: str
    server: Server = field(repr=False)
    schema: str = SCHEMA
    dialect: str = "postgres"

    def test(self) -> int:
        """Reach the server and read something; milliseconds."""
        started = time.monotonic()
        with self._session(15) as session:
            session.rows("SELECT $1::integer", (1,))
        return asking.milliseconds(started)

    def tables(self) -> list[Table]:
        """Name what the role may read, but for the catalogs."""
        with self._session(settings.QUERY_TIMEOUT_SECONDS) as session:
            rows = session.rows(catalog_postgres.TABLES, (MOST_TABLES,))
        return [Table(*row) for row in rows]

    def columns(self, table: str) -> list[Column]:
        """Describe a table, with its schema or in the connection's."""
        schema, _, name = table.rpartition(".")
        with self._session(settings.QUERY_TIMEOUT_SECONDS) as session:
            rows = session.rows(catalog_postgres.COLUMNS, (schema or self.schema, name))
        if not rows:
            raise NotFoundError(f"There is no table {table}.")
        return [Column(*row) for row in rows]

    def query(self, sql: str, limit: int) -> Answer:
        """Run one SELECT; `limit` rows at most."""
        with asking.refusals():
            query = check.check(sql, managed=False, schema=self.schema)
        return self._sample(query, limit, timezone.now() - LOOK_BACK)

    def check_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.prove_metric(sql, mapping)
        found = self._sample(metric.query, 1, timezone.now() - LOOK_BACK)
        asking.require_columns(metric, found.columns)
        with asking.mapping():
            self._sample(projection.query(metric), 1, timezone.now() - LOOK_BACK)
        return metric

    def prove_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew; a refusal is InvalidParametersError."""
        with asking.refusals():
            return check.metric(sql, mapping, managed=False, schema=self.schema)

    def check_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, read its mapped columns."""
        source = self.prove_source(sql, mapping)
        found = self._sample(source.query, 1, timezone.now() - LOOK_BACK)
        asking.require_columns(source, found.columns)
        with asking.mapping():
            self._sample(projection.query(source), 1, timezone.now() - LOOK_BACK)
        return source

    def prove_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query anew; a refusal is InvalidParametersError."""
        with asking.refusals():
            return check.source(sql, mapping, schema=self.schema)

    def preview(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer = self._sample(metric.query, limit, since)
        (row,) = self._ask(sample.facts(metric, source), since)
        return Preview(answer, Facts(*row))

    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Read a source's first rows and the facts of all since then."""
        answer = self._sample(source.query, limit, since)
        (row,) = self._ask(sample.source_facts(source), since)
        return SourcePreview(answer, SourceFacts(*row))

    def observe(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, in one statement."""
        assert source is not None  # whoever asks a connected warehouse has one
        with self._session(settings.CUBE_TIMEOUT_SECONDS, CUBE_SETTINGS) as session:
            dialect = "postgres" if session.guards_json else "postgres before 16"
            asked = statement.statement(spec, metric, source, dialect)
            return statement.decode(
                session.stream(asked.text, asked.parameters, MOST_CELLS), spec
            )

    def recount(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRows]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""
        since = spec.history_from
        parameters = (since, since, spec.optimization_id, spec.as_of)
        with self._session(settings.CUBE_TIMEOUT_SECONDS, CUBE_SETTINGS) as session:
            rows = session.rows(sample.recount(metric, source), parameters)
        return {day: DayRows(*counts) for day, *counts in rows}

    def _ask(self, text: str, since: datetime) -> list[tuple[Any, ...]]:
        with self._session(settings.QUERY_TIMEOUT_SECONDS) as session:
            return session.rows(text, (since, since, timezone.now()))

    def _sample(self, query: CheckedQuery, limit: int, since: datetime) -> Answer:
        started = time.monotonic()
        most = settings.QUERY_ANSWER_BYTES
        parameters = (since, since, limit + 1, most)
        try:
            with self._session(settings.QUERY_TIMEOUT_SECONDS) as session:
                columns, rows = session.cursor(
                    sample.sample(query), parameters, limit + 1
                )
        except QueryFailedError as error:
            if sample.TOO_LARGE not in error.message:
                raise
            raise QueryFailedError(
                f"The answer is larger than {most:,} bytes: ask for fewer columns or rows."
            ) from error
        shown = tuple(_plain(row[:-1]) for row in rows[:limit])
        return Answer(
            columns[:-1], shown, len(rows) > limit, asking.milliseconds(started)
        )

    @contextmanager
    def _session(
        self, seconds: int, tuned: Mapping[str, str] | None = None
    ) -> Iterator[Session]:
        with postgres_connections.reading(self.server, seconds, tuned or {}) as session:
            yield session


def _plain(row: Sequence[object]) -> tuple[object, ...]:
    return tuple(plain.value(one) for one in row)

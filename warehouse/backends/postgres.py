"""A customer's own Postgres: read only, over short connections of its own."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

import structlog
from django.conf import settings
from django.utils import timezone
from typing_extensions import override

from levered_site.errors import NotFoundError
from warehouse.backends import (
    postgres_connections,
    postgres_credentials,
    process_sessions,
    query_plans,
)
from warehouse.backends.base import MAX_TABLES
from warehouse.backends.connected_backend import MAX_CELLS, ConnectedBackend
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.postgres_connections import Session, build_record
from warehouse.backends.postgres_credentials import Server
from warehouse.backends.postgres_settings import CUBE_SETTINGS
from warehouse.backends.query_results import (
    Column,
    DayRowCounts,
    MetricFacts,
    SourceFacts,
    StatementResult,
    Table,
)
from warehouse.sql.cube import statement
from warehouse.sql.cube.statement import require_date
from warehouse.sql.preview import catalog_postgres, postgres
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
)

log = structlog.get_logger(__name__)

MAX_PLAN_LINES = 10_000_000  # most are never read
DEFAULT_SCHEMA = "public"  # of tables that a query names without one

# The worst first: a superuser may write, too.
ROLE_WARNINGS = {
    "is_superuser": "The role is a superuser. Connect one that may only read.",
    "may_write": "The role may change tables. Connect one that may only read.",
}

Facts = TypeVar("Facts", MetricFacts, SourceFacts)

validate_credentials = postgres_credentials.validate_credentials


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `validate_credentials` returns them
    _project_id: str = "",
    dataset_id: str = "",
) -> "PostgresBackend":
    """Return the backend of an organization's server, without connecting."""
    return PostgresBackend(
        organization_id, Server(**credentials), dataset_id or DEFAULT_SCHEMA
    )


@dataclass(frozen=True, slots=True)
class PostgresBackend(ConnectedBackend):
    """Backend of a connected Postgres."""

    dialect: ClassVar[str] = "postgres"

    organization_id: str
    server: Server = field(repr=False)
    schema: str = DEFAULT_SCHEMA

    @property
    @override
    def database(self) -> str:
        return self.server.database

    @override
    def tables(self, search: str = "") -> list[Table]:
        """Return what the role may read, without the system catalogs."""
        parameters = (MAX_TABLES + 1, search)
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            return session.fetch_records(
                Table, catalog_postgres.SELECT_TABLES, parameters
            )

    @override
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns; the connected database may stand before its schema.

        A name may hold dots: one that is the whole of it comes first.
        """
        below = catalog_postgres.leave_out_database(table, self.database)
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            for name in filter(None, (table, below)):
                columns = session.fetch_records(
                    Column, catalog_postgres.SELECT_COLUMNS, (self.schema, name)
                )
                if columns:
                    return columns
        raise NotFoundError(f"There is no table {table}.")

    @override
    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        assert source is not None  # callers with a connected warehouse have a source
        seconds = settings.CUBE_TIMEOUT_SECONDS
        with self._open_session(seconds, CUBE_SETTINGS) as session:
            cube = statement.build_statement(spec, metric, source, session.dialect)
            return statement.decode_cube(
                session.stream_rows(cube.text, cube.parameters, MAX_CELLS), spec
            )

    @override
    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        # Each refresh asks for these counts first, before those of the cube.
        self._require_affordable_count(metric.query, source.query)
        since = spec.history_from
        text = postgres.build_day_counts(metric, source)
        metric_start = spec.metric_start or since
        parameters = (since, metric_start, spec.optimization_id, spec.as_of)
        seconds = settings.CUBE_TIMEOUT_SECONDS
        with self._open_session(seconds, CUBE_SETTINGS) as session:
            records = session.fetch_result(text, parameters).build_records()
            return {
                require_date(record.pop("day")): build_record(DayRowCounts, record)
                for record in records
            }

    @override
    def find_dialect(self) -> str:
        """Connect, and return what the server understands of the dialect."""
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            return session.dialect

    @override
    def list_role_warnings(self) -> list[str]:
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            roles = session.fetch_result(catalog_postgres.SELECT_ROLE, (True,))
            (role,) = roles.build_records()
            return [ROLE_WARNINGS[right] for right in ROLE_WARNINGS if role[right]][:1]

    @override
    def _ping(self) -> None:
        with self._open_session(15) as session:
            session.fetch_rows("SELECT $1::integer", (1,))

    @override
    def _run_sample(
        self, query: CheckedQuery, since: datetime, max_rows: int
    ) -> StatementResult:
        max_bytes = settings.QUERY_ANSWER_BYTES
        parameters = (since, since, max_rows, max_bytes)
        try:
            with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
                sample = session.fetch_first_rows(
                    postgres.build_sample(query), parameters, max_rows
                )
        except QueryFailedError as error:
            if postgres.TOO_LARGE not in error.message:
                raise
            raise QueryFailedError.for_size_limit(max_bytes) from error
        # The statement adds a last column of its own.
        rows = [row[:-1] for row in sample.rows]
        return StatementResult(sample.columns[:-1], rows)

    @override
    def _estimate_cost(self, query: CheckedQuery, since: datetime) -> float | None:
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            plan = postgres.build_plan(query)
            with closing(
                session.stream_rows(plan, (since, since), MAX_PLAN_LINES)
            ) as rows:
                return query_plans.read_plan_cost(query, (line for (line,) in rows))

    @override
    def _fetch_metric_facts(
        self, metric: CheckedMetric, source: CheckedSource | None, since: datetime
    ) -> MetricFacts:
        return self._fetch_facts(
            MetricFacts, postgres.build_facts(metric, source), since
        )

    @override
    def _fetch_source_facts(
        self, source: CheckedSource, since: datetime
    ) -> SourceFacts:
        dialect = self.find_dialect()
        return self._fetch_facts(
            SourceFacts, postgres.build_source_facts(source, dialect), since
        )

    def _fetch_facts(
        self, facts_type: type[Facts], text: str, since: datetime
    ) -> Facts:
        """Run a statement whose columns are the fields of the type; return its row."""
        parameters = (since, since, timezone.now())
        with self._open_session(settings.QUERY_TIMEOUT_SECONDS) as session:
            (facts,) = session.fetch_records(facts_type, text, parameters)
        return facts

    @contextmanager
    def _open_session(
        self, seconds: int, extra_settings: Mapping[str, str] | None = None
    ) -> Iterator[Session]:
        """Open a session, within which answers are read and taken apart.

        What cannot be taken apart is not what our statement asked for: such a server
        breaks its protocol, or is none of Postgres.
        """
        try:
            with postgres_connections.open_session(
                self.server, seconds, extra_settings or {}
            ) as session:
                yield session
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as e:
            log.warning("warehouse.answer_not_understood", exc_info=True)
            raise process_sessions.build_breach_error(self.server.host) from e

"""What Snowflake and BigQuery have in common: proof, samples, facts, the cube."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone

from warehouse.backends import json_values, query_validation
from warehouse.backends.base import PREVIEW_LOOK_BACK, QueryFailedError
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
from warehouse.sql.preview import projection
from warehouse.sql.preview.engines import (
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
    Statement,
)

MAX_CELLS = 2_000_000
EARLIEST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What a statement returned; `zoneless` columns are moments without a zone."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    zoneless: frozenset[str] = frozenset()
    bytes_scanned: int | None = None


class CloudBackend(Protocol):
    """Backend of an engine without arrays, over `run`; see base.Backend."""

    organization_id: str
    dialect: str

    @property
    @abstractmethod
    def schema(self) -> str | None:
        """Schema of the tables that a query names without one."""

    @abstractmethod
    def run(
        self, statement: Statement, seconds: int, most: int, size: int
    ) -> StatementResult:
        """Run one statement; fails beyond `most` rows or `size` bytes of answer."""

    @abstractmethod
    def spell_column(self, name: str, known: Sequence[str] | None) -> str:
        """Spell a mapped column as the warehouse does."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """What a query may read."""

    @abstractmethod
    def columns(self, table: str) -> list[Column]:
        """Describe a table; NotFoundError."""

    def test(self) -> int:
        """Reach it and read something; milliseconds."""
        started = time.monotonic()
        self.run(Statement("SELECT 1", ()), 15, 1, 1000)
        return query_validation.measure_elapsed_ms(started)

    def query(self, sql: str, limit: int) -> QueryResult:
        """Run one SELECT; `limit` rows at most."""
        with query_validation.translate_refusals():
            query = check.check_query(sql, self.dialect, schema=self.schema)
        return self._fetch_sample(query, limit, timezone.now() - PREVIEW_LOOK_BACK)[0]

    def validate_and_run_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.validate_metric(sql, mapping)
        found, _ = self._fetch_sample(
            metric.query, 1, timezone.now() - PREVIEW_LOOK_BACK
        )
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
            metric = check.check_metric_query(
                sql, mapping, self.dialect, schema=self.schema
            )
        return replace(metric, **self._spell_columns(metric))

    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, read its mapped columns."""
        source = self.validate_source(sql, mapping)
        found, _ = self._fetch_sample(
            source.query, 1, timezone.now() - PREVIEW_LOOK_BACK
        )
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
            source = check.check_source_query(
                sql, mapping, self.dialect, schema=self.schema
            )
        return replace(source, **self._spell_columns(source))

    def _spell_columns(self, checked: CheckedMetric | CheckedSource) -> dict[str, Any]:
        parts = {
            part: getattr(checked, part)
            for part in type(checked).__slots__
            if part != "query"
        }
        return {
            part: self.spell_column(name, checked.query.columns) if name else None
            for part, name in parts.items()
        }

    def preview_metric(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer, zoneless = self._fetch_sample(metric.query, limit, since)
        (row,) = self._fetch_facts(build_facts(metric, source, since, timezone.now()))
        facts = replace(MetricFacts(*row), zoneless=metric.timestamp in zoneless)
        return Preview(answer, facts)

    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Read a source's first rows and the facts of all since then."""
        answer, zoneless = self._fetch_sample(source.query, limit, since)
        (row,) = self._fetch_facts(build_source_facts(source, since, timezone.now()))
        facts = replace(SourceFacts(*row), zoneless=source.timestamp in zoneless)
        return SourcePreview(answer, facts)

    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, in one statement."""
        assert source is not None  # whoever asks a connected warehouse has one
        asked = statement.build_statement(spec, metric, source, self.dialect)
        return statement.decode_cube(self._fetch_counts(asked), spec)

    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""
        since = spec.history_from or EARLIEST_MOMENT
        asked = build_day_counts(
            metric, source, spec.optimization_id, since, spec.as_of
        )
        return {
            day: DayRowCounts(*(int(count) for count in counts))
            for day, *counts in self._fetch_counts(asked)
        }

    def _fetch_counts(self, asked: Statement) -> list[tuple[Any, ...]]:
        size = 100 * settings.QUERY_ANSWER_BYTES
        return self.run(asked, settings.CUBE_TIMEOUT_SECONDS, MAX_CELLS, size).rows

    def _fetch_facts(self, asked: Statement) -> list[tuple[Any, ...]]:
        size = settings.QUERY_ANSWER_BYTES
        return self.run(asked, settings.QUERY_TIMEOUT_SECONDS, 10, size).rows

    def _fetch_sample(
        self, query: CheckedQuery, limit: int, since: datetime
    ) -> tuple[QueryResult, frozenset[str]]:
        started = time.monotonic()
        asked = build_sample(query, since, limit + 1)
        seconds, size = settings.QUERY_TIMEOUT_SECONDS, settings.QUERY_ANSWER_BYTES
        ran = self.run(asked, seconds, limit + 1, size)
        shown = tuple(
            tuple(json_values.to_json_value(one) for one in row)
            for row in ran.rows[:limit]
        )
        answer = QueryResult(
            ran.columns,
            shown,
            truncated=len(ran.rows) > limit,
            elapsed_ms=query_validation.measure_elapsed_ms(started),
            bytes_scanned=ran.bytes_scanned,
        )
        return answer, ran.zoneless


def collect_rows(
    rows: Iterator[tuple[Any, ...]], most: int, size: int
) -> list[tuple[Any, ...]]:
    """Take rows as they come; QueryFailedError where they grow too many or too large."""
    taken: list[tuple[Any, ...]] = []
    left = size
    for row in rows:
        left -= sum(len(str(one)) for one in row)
        if len(taken) == most:
            raise QueryFailedError(f"The answer has more than {most:,} rows.")
        if left < 0:
            raise QueryFailedError(
                f"The answer is larger than {size:,} bytes: ask for fewer columns or rows."
            )
        taken.append(row)
    return taken

"""What Snowflake and BigQuery have in common: proof, samples, facts, the cube."""

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone

from warehouse.backends import asking, plain
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
from warehouse.sql.cube import statement
from warehouse.sql.customer import check
from warehouse.sql.preview import engines as sample, projection
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    Statement,
)

MOST_CELLS = 2_000_000
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a statement returned; `zoneless` columns are moments without a zone."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    zoneless: frozenset[str] = frozenset()
    bytes_scanned: int | None = None


class Engine(Protocol):
    """Backend of an engine without arrays, over `run`; see base.Backend."""

    organization_id: str
    dialect: str

    @property
    @abstractmethod
    def schema(self) -> str | None:
        """Schema of the tables that a query names without one."""

    @abstractmethod
    def run(self, statement: Statement, seconds: int, most: int, size: int) -> Ran:
        """Run one statement; fails beyond `most` rows or `size` bytes of answer."""

    @abstractmethod
    def column(self, name: str, known: Sequence[str] | None) -> str:
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
        return asking.milliseconds(started)

    def query(self, sql: str, limit: int) -> Answer:
        """Run one SELECT; `limit` rows at most."""
        with asking.refusals():
            query = check.check(sql, self.dialect, schema=self.schema)
        return self._sample(query, limit, timezone.now() - LOOK_BACK)[0]

    def check_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.prove_metric(sql, mapping)
        found, _ = self._sample(metric.query, 1, timezone.now() - LOOK_BACK)
        asking.require_columns(metric, found.columns)
        with asking.mapping():
            self._sample(projection.query(metric), 1, timezone.now() - LOOK_BACK)
        return metric

    def prove_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew; a refusal is InvalidParametersError."""
        with asking.refusals():
            metric = check.metric(sql, mapping, self.dialect, schema=self.schema)
        return replace(metric, **self._spelled(metric))

    def check_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query, run it for one row, read its mapped columns."""
        source = self.prove_source(sql, mapping)
        found, _ = self._sample(source.query, 1, timezone.now() - LOOK_BACK)
        asking.require_columns(source, found.columns)
        with asking.mapping():
            self._sample(projection.query(source), 1, timezone.now() - LOOK_BACK)
        return source

    def prove_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        """Prove a source's query anew; a refusal is InvalidParametersError."""
        with asking.refusals():
            source = check.source(sql, mapping, self.dialect, schema=self.schema)
        return replace(source, **self._spelled(source))

    def _spelled(self, checked: CheckedMetric | CheckedSource) -> dict[str, Any]:
        parts = {
            part: getattr(checked, part)
            for part in type(checked).__slots__
            if part != "query"
        }
        return {
            part: self.column(name, checked.query.columns) if name else None
            for part, name in parts.items()
        }

    def preview(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer, zoneless = self._sample(metric.query, limit, since)
        (row,) = self._ask(sample.facts(metric, source, since, timezone.now()))
        facts = replace(Facts(*row), zoneless=metric.timestamp in zoneless)
        return Preview(answer, facts)

    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        """Read a source's first rows and the facts of all since then."""
        answer, zoneless = self._sample(source.query, limit, since)
        (row,) = self._ask(sample.source_facts(source, since, timezone.now()))
        facts = replace(SourceFacts(*row), zoneless=source.timestamp in zoneless)
        return SourcePreview(answer, facts)

    def observe(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        """Count the cells of the days of `spec`, in one statement."""
        assert source is not None  # whoever asks a connected warehouse has one
        asked = statement.statement(spec, metric, source, self.dialect)
        return statement.decode(self._count(asked), spec)

    def recount(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRows]:
        """Count rows by day, from `spec.history_from` until `spec.as_of`."""
        since = spec.history_from or LONG_AGO
        asked = sample.recount(metric, source, spec.optimization_id, since, spec.as_of)
        return {
            day: DayRows(*(int(count) for count in counts))
            for day, *counts in self._count(asked)
        }

    def _count(self, asked: Statement) -> list[tuple[Any, ...]]:
        size = 100 * settings.QUERY_ANSWER_BYTES
        return self.run(asked, settings.CUBE_TIMEOUT_SECONDS, MOST_CELLS, size).rows

    def _ask(self, asked: Statement) -> list[tuple[Any, ...]]:
        size = settings.QUERY_ANSWER_BYTES
        return self.run(asked, settings.QUERY_TIMEOUT_SECONDS, 10, size).rows

    def _sample(
        self, query: CheckedQuery, limit: int, since: datetime
    ) -> tuple[Answer, frozenset[str]]:
        started = time.monotonic()
        asked = sample.sample(query, since, limit + 1)
        seconds, size = settings.QUERY_TIMEOUT_SECONDS, settings.QUERY_ANSWER_BYTES
        ran = self.run(asked, seconds, limit + 1, size)
        shown = tuple(
            tuple(plain.value(one) for one in row) for row in ran.rows[:limit]
        )
        answer = Answer(
            ran.columns,
            shown,
            truncated=len(ran.rows) > limit,
            elapsed_ms=asking.milliseconds(started),
            bytes_scanned=ran.bytes_scanned,
        )
        return answer, ran.zoneless


def within(
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

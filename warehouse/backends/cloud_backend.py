"""The base of Snowflake and BigQuery, whose statements differ only in their dialect."""

from abc import abstractmethod
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from typing_extensions import override

from warehouse.backends.connected_backend import MAX_CELLS, ConnectedBackend
from warehouse.backends.query_results import (
    DayRowCounts,
    MetricFacts,
    SourceFacts,
    StatementResult,
)
from warehouse.sql.cube import statement
from warehouse.sql.cube.engine import MIN_TIMESTAMP
from warehouse.sql.preview import engine_day_counts, engines
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    Statement,
)


class CloudBackend(ConnectedBackend):
    """A backend that runs every statement through `run`."""

    __slots__ = ()

    @abstractmethod
    def run(
        self, statement: Statement, seconds: int, max_rows: int, max_bytes: int
    ) -> StatementResult:
        """Run one statement for at most `seconds`.

        Raises QueryFailedError if it returns more than `max_rows` rows or `max_bytes`
        bytes.
        """

    @override
    def compute_cube(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource | None = None
    ) -> Cube:
        assert source is not None  # callers with a connected warehouse have a source
        cube_statement = statement.build_statement(spec, metric, source, self.dialect)
        return statement.decode_cube(self._run_counts(cube_statement).rows, spec)

    @override
    def count_rows_by_day(
        self, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
    ) -> dict[date, DayRowCounts]:
        since = spec.history_from or MIN_TIMESTAMP
        counts_statement = engine_day_counts.build_day_counts(
            metric,
            source,
            spec.optimization_id,
            since,
            spec.as_of,
            spec.metric_start or since,
        )
        records = self._run_counts(counts_statement).build_records()
        return {
            record.pop("day"): DayRowCounts(
                **{name: int(value) for name, value in record.items()}
            )
            for record in records
        }

    @override
    def _ping(self) -> None:
        self.run(Statement("SELECT 1", ()), seconds=15, max_rows=1, max_bytes=1000)

    @override
    def _run_sample(
        self, query: CheckedQuery, since: datetime, max_rows: int
    ) -> StatementResult:
        return self._run_preview(engines.build_sample(query, since, max_rows), max_rows)

    @override
    def _fetch_metric_facts(
        self, metric: CheckedMetric, source: CheckedSource | None, since: datetime
    ) -> MetricFacts:
        facts = engines.build_facts(metric, source, since, timezone.now())
        (record,) = self._run_preview(facts, 10).build_records()
        return MetricFacts(**record)

    @override
    def _fetch_source_facts(
        self, source: CheckedSource, since: datetime
    ) -> SourceFacts:
        facts = engines.build_source_facts(source, since, timezone.now())
        (record,) = self._run_preview(facts, 10).build_records()
        return SourceFacts(**record)

    def _run_preview(self, preview: Statement, max_rows: int) -> StatementResult:
        return self.run(
            preview,
            settings.QUERY_TIMEOUT_SECONDS,
            max_rows,
            settings.QUERY_ANSWER_BYTES,
        )

    def _run_counts(self, counts: Statement) -> StatementResult:
        seconds = settings.CUBE_TIMEOUT_SECONDS
        return self.run(counts, seconds, MAX_CELLS, settings.CUBE_ANSWER_BYTES)

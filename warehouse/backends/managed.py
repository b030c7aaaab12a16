"""The managed store: the service's own Postgres, read as a role that sees two views."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from levered_site.errors import NotFoundError
from warehouse.backends import json_values, managed_connections, query_validation
from warehouse.backends.base import PREVIEW_LOOK_BACK, NoSourcesMixin
from warehouse.backends.managed_connections import Cursor
from warehouse.backends.query_results import (
    Column,
    MetricFacts,
    Preview,
    QueryResult,
    Table,
)
from warehouse.sql.cube import day_ranges
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.customer import check, managed_schema
from warehouse.sql.preview import managed, projection
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    FirstTouchCoverage,
)

Rows = list[tuple[Any, ...]]

SELECT_FIRST_TOUCH_COVERAGE = """SELECT until, first_at FROM managed_dw.look_backs
WHERE organization_id = $1 AND optimization_id = $2"""
# The planner takes our intermediate results for tiny and would loop over them.
CUBE_SETTINGS = {"enable_nestloop": "off", "jit": "off", "work_mem": "64MB"}


def build_backend(organization_id: str) -> "ManagedBackend":
    """Open the managed store as one organization sees it."""
    return ManagedBackend(organization_id)


@dataclass(frozen=True, slots=True)
class ManagedBackend(NoSourcesMixin):
    """Backend of the managed store; see base.Backend.

    Connections are its own and short: nothing that a query does to a session can reach
    the connection that serves.
    """

    organization_id: str
    dialect: str = "postgres"

    def test(self) -> int:
        """Reach the store as the reader; milliseconds."""
        started = time.monotonic()
        with self._open_cursor(seconds=5) as cursor:
            cursor.execute("SELECT 1")
        return query_validation.measure_elapsed_ms(started)

    def tables(self) -> list[Table]:
        """Name the two views."""
        return [
            Table(managed_schema.SCHEMA, name, "view")
            for name in managed_schema.COLUMNS
        ]

    def columns(self, table: str) -> list[Column]:
        """Describe a view, named with or without its schema."""
        name = table.removeprefix(f"{managed_schema.SCHEMA}.")
        if name not in managed_schema.COLUMNS:
            raise NotFoundError(f"There is no table {table}.")
        nullable = managed_schema.NULLABLE[name]
        return [
            Column(column, kind, column in nullable)
            for column, kind in managed_schema.COLUMNS[name].items()
        ]

    def query(self, sql: str, limit: int) -> QueryResult:
        """Run one SELECT over the organization's rows; `limit` rows at most."""
        with query_validation.translate_refusals():
            query = check.check_query(sql, managed=True)
        return self._fetch_sample(query, limit, timezone.now() - PREVIEW_LOOK_BACK)

    def validate_and_run_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.validate_metric(sql, mapping)
        found = self._fetch_sample(
            metric.query, 1, timezone.now() - PREVIEW_LOOK_BACK
        ).columns
        query_validation.require_columns(metric, found)
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
            return check.check_metric_query(sql, mapping, managed=True)

    def preview_metric(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        _source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer = self._fetch_sample(metric.query, limit, since)
        text = managed.build_facts(metric)
        with self._open_cursor(seconds=settings.QUERY_TIMEOUT_SECONDS) as cursor:
            cursor.execute(text, (self.organization_id, since, None, timezone.now()))
            (row,) = cursor.fetchall()
        return Preview(answer, MetricFacts(*row))

    def compute_cube(
        self,
        spec: CubeSpec,
        metric: CheckedMetric,
        _source: CheckedSource | None = None,
    ) -> Cube:
        """Count the cells of the days of `spec`, by one statement for each run of them."""
        if spec.organization_id != self.organization_id:
            raise ValueError("the spec is of another organization")
        seconds = settings.CUBE_TIMEOUT_SECONDS
        with self._open_cursor(seconds=seconds, tuned=CUBE_SETTINGS) as cursor:
            spec = replace(spec, remembered=_load_first_touch_coverage(cursor, spec))
            return day_ranges.join_cubes(
                [
                    _count_cells(cursor, run, metric)
                    for run in day_ranges.split_spec(spec)
                ]
            )

    def _fetch_sample(
        self, query: CheckedQuery, limit: int, since: datetime
    ) -> QueryResult:
        started = time.monotonic()
        text = managed.build_sample(query)
        with self._open_cursor(seconds=settings.QUERY_TIMEOUT_SECONDS) as cursor:
            cursor.execute(text, (self.organization_id, since, None, limit + 1))
            rows: Rows = cursor.fetchall()
            columns = tuple(column.name for column in cursor.description or ())
        return QueryResult(
            columns,
            _convert_rows(rows[:limit]),
            len(rows) > limit,
            query_validation.measure_elapsed_ms(started),
        )

    @contextmanager
    def _open_cursor(
        self, *, seconds: int, tuned: Mapping[str, str] | None = None
    ) -> Iterator[Cursor]:
        with managed_connections.open_cursor(
            self.organization_id, seconds, tuned or {}
        ) as cursor:
            yield cursor


def _count_cells(cursor: Cursor, spec: CubeSpec, metric: CheckedMetric) -> Cube:
    statement = build_statement(spec, metric)
    cursor.execute(statement.text, statement.parameters)
    return decode_cube(cursor.fetchall(), spec)


def _load_first_touch_coverage(
    cursor: Cursor, spec: CubeSpec
) -> FirstTouchCoverage | None:
    """Read what first touches are kept. Later there may be more, never less."""
    cursor.execute(
        SELECT_FIRST_TOUCH_COVERAGE, (spec.organization_id, UUID(spec.optimization_id))
    )
    row = cursor.fetchone()
    return FirstTouchCoverage(*row) if row else None


def _convert_rows(rows: Sequence[Sequence[object]]) -> tuple[tuple[object, ...], ...]:
    return tuple(tuple(json_values.to_json_value(one) for one in row) for row in rows)

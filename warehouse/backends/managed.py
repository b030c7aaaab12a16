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
from warehouse.backends import asking, managed_connections, plain
from warehouse.backends.answers import Answer, Column, Facts, Preview, Table
from warehouse.backends.base import LOOK_BACK, WithoutSources
from warehouse.backends.managed_connections import Cursor
from warehouse.sql.cube import day_ranges, statement as cube
from warehouse.sql.customer import check, managed_schema
from warehouse.sql.preview import managed, projection
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    Remembered,
)

Rows = list[tuple[Any, ...]]

REMEMBERED = """SELECT until, first_at FROM managed_dw.look_backs
WHERE organization_id = $1 AND optimization_id = $2"""
# The planner takes our intermediate results for tiny and would loop over them.
CUBE_SETTINGS = {"enable_nestloop": "off", "jit": "off", "work_mem": "64MB"}


def of(organization_id: str) -> "Managed":
    """Open the managed store as one organization sees it."""
    return Managed(organization_id)


@dataclass(frozen=True, slots=True)
class Managed(WithoutSources):
    """Backend of the managed store; see base.Backend.

    Connections are its own and short: nothing that a query does to a session can reach
    the connection that serves.
    """

    organization_id: str
    dialect: str = "postgres"

    def test(self) -> int:
        """Reach the store as the reader; milliseconds."""
        started = time.monotonic()
        with self._reading(seconds=5) as cursor:
            cursor.execute("SELECT 1")
        return asking.milliseconds(started)

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

    def query(self, sql: str, limit: int) -> Answer:
        """Run one SELECT over the organization's rows; `limit` rows at most."""
        with asking.refusals():
            query = check.check(sql, managed=True)
        return self._sample(query, limit, timezone.now() - LOOK_BACK)

    def check_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, read its mapped columns."""
        metric = self.prove_metric(sql, mapping)
        found = self._sample(metric.query, 1, timezone.now() - LOOK_BACK).columns
        asking.require_columns(metric, found)
        with asking.mapping():
            self._sample(projection.query(metric), 1, timezone.now() - LOOK_BACK)
        return metric

    def prove_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew; a refusal is InvalidParametersError."""
        with asking.refusals():
            return check.metric(sql, mapping, managed=True)

    def preview(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        _source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer = self._sample(metric.query, limit, since)
        text = managed.facts(metric)
        with self._reading(seconds=settings.QUERY_TIMEOUT_SECONDS) as cursor:
            cursor.execute(text, (self.organization_id, since, None, timezone.now()))
            (row,) = cursor.fetchall()
        return Preview(answer, Facts(*row))

    def observe(
        self,
        spec: CubeSpec,
        metric: CheckedMetric,
        _source: CheckedSource | None = None,
    ) -> Cube:
        """Count the cells of the days of `spec`, by one statement for each run of them."""
        if spec.organization_id != self.organization_id:
            raise ValueError("the spec is of another organization")
        seconds = settings.CUBE_TIMEOUT_SECONDS
        with self._reading(seconds=seconds, tuned=CUBE_SETTINGS) as cursor:
            spec = replace(spec, remembered=_remembered(cursor, spec))
            return day_ranges.join(
                [_counted(cursor, run, metric) for run in day_ranges.split(spec)]
            )

    def _sample(self, query: CheckedQuery, limit: int, since: datetime) -> Answer:
        started = time.monotonic()
        text = managed.sample(query)
        with self._reading(seconds=settings.QUERY_TIMEOUT_SECONDS) as cursor:
            cursor.execute(text, (self.organization_id, since, None, limit + 1))
            rows: Rows = cursor.fetchall()
            columns = tuple(column.name for column in cursor.description or ())
        return Answer(
            columns,
            _plain(rows[:limit]),
            len(rows) > limit,
            asking.milliseconds(started),
        )

    @contextmanager
    def _reading(
        self, *, seconds: int, tuned: Mapping[str, str] | None = None
    ) -> Iterator[Cursor]:
        with managed_connections.reading(
            self.organization_id, seconds, tuned or {}
        ) as cursor:
            yield cursor


def _counted(cursor: Cursor, spec: CubeSpec, metric: CheckedMetric) -> Cube:
    statement = cube.statement(spec, metric)
    cursor.execute(statement.text, statement.parameters)
    return cube.decode(cursor.fetchall(), spec)


def _remembered(cursor: Cursor, spec: CubeSpec) -> Remembered | None:
    """Read what first touches are kept. Later there may be more, never less."""
    cursor.execute(REMEMBERED, (spec.organization_id, UUID(spec.optimization_id)))
    row = cursor.fetchone()
    return Remembered(*row) if row else None


def _plain(rows: Sequence[Sequence[object]]) -> tuple[tuple[object, ...], ...]:
    return tuple(tuple(plain.value(one) for one in row) for row in rows)

"""The managed store: the service's own Postgres, read as a role that sees two views."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from django.utils import timezone
from psycopg import errors as pg_errors

from levered_site.errors import (
    InvalidParametersError,
    NotFoundError,
    UnavailableError,
)
from warehouse.backends import plain
from warehouse.backends.base import (
    LOOK_BACK,
    Answer,
    Column,
    Facts,
    Preview,
    QueryFailedError,
    Table,
    WithoutSources,
    require_columns,
)
from warehouse.sql import RefusedError, cube, customer, managed, sample
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    Cube,
    CubeSpec,
    Remembered,
)

Rows = list[tuple[Any, ...]]

# The planner takes our intermediate results for tiny and would loop over them.
SETTINGS = """SELECT set_config(name, value, true)
FROM unnest(CAST($1 AS text[]), CAST($2 AS text[])) AS s (name, value)"""
REMEMBERED = """SELECT until, first_at FROM managed_dw.look_backs
WHERE organization_id = $1 AND optimization_id = $2"""
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
        return _since(started)

    def tables(self) -> list[Table]:
        """Name the two views."""
        return [Table(managed.SCHEMA, name, "view") for name in managed.COLUMNS]

    def columns(self, table: str) -> list[Column]:
        """Describe a view, named with or without its schema."""
        name = table.removeprefix(f"{managed.SCHEMA}.")
        if name not in managed.COLUMNS:
            raise NotFoundError(f"There is no table {table}.")
        nullable = managed.NULLABLE[name]
        return [
            Column(column, kind, column in nullable)
            for column, kind in managed.COLUMNS[name].items()
        ]

    def query(self, sql: str, limit: int) -> Answer:
        """Run one SELECT over the organization's rows; `limit` rows at most."""
        return self._sample(_checked(sql), limit, timezone.now() - LOOK_BACK)

    def check_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query, run it for one row, find its mapped columns."""
        metric = self.prove_metric(sql, mapping)
        found = self._sample(metric.query, 1, timezone.now() - LOOK_BACK).columns
        require_columns(metric, found)
        return metric

    def prove_metric(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedMetric:
        """Prove a metric's query anew; a refusal is InvalidParametersError."""
        try:
            return customer.metric(sql, mapping, managed=True)
        except RefusedError as error:
            raise InvalidParametersError.of("sql", error.reason) from error

    def preview(
        self,
        metric: CheckedMetric,
        since: datetime,
        limit: int,
        _source: CheckedSource | None = None,
    ) -> Preview:
        """Read a metric's first rows and the facts of all since then."""
        answer = self._sample(metric.query, limit, since)
        text = sample.facts(metric)
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
        """Count the cells of the days of `spec`, in one statement."""
        if spec.organization_id != self.organization_id:
            raise ValueError("the spec is of another organization")
        seconds = settings.CUBE_TIMEOUT_SECONDS
        with self._reading(seconds=seconds, tuned=CUBE_SETTINGS) as cursor:
            spec = replace(spec, remembered=_remembered(cursor, spec))
            statement = cube.statement(spec, metric, dialect=self.dialect)
            cursor.execute(statement.text, statement.parameters)
            return cube.decode(cursor.fetchall(), spec)

    def _sample(self, query: CheckedQuery, limit: int, since: datetime) -> Answer:
        started = time.monotonic()
        text = sample.sample(query)
        with self._reading(seconds=settings.QUERY_TIMEOUT_SECONDS) as cursor:
            cursor.execute(text, (self.organization_id, since, None, limit + 1))
            rows: Rows = cursor.fetchall()
            columns = tuple(column.name for column in cursor.description or ())
        return Answer(columns, _plain(rows[:limit]), len(rows) > limit, _since(started))

    @contextmanager
    def _reading(
        self, *, seconds: int, tuned: Mapping[str, str] | None = None
    ) -> Iterator[psycopg.RawCursor[tuple[Any, ...]]]:
        """Lend a cursor of the reader's, in a read-only transaction that leaves nothing."""
        wanted = {
            "statement_timeout": f"{seconds}s",
            "client_connection_check_interval": "5s",  # ends with a killed worker
            "TimeZone": "UTC",
            "search_path": "",
            managed.ORGANIZATION_SETTING: self.organization_id,
            **(tuned or {}),
            "role": managed.READER,
        }
        with _translated(seconds), _connect() as connection:
            connection.read_only = True
            cursor = psycopg.RawCursor(connection)
            names, values = list(wanted), list(wanted.values())
            cursor.execute(SETTINGS, (names, values))
            yield cursor
            connection.rollback()


def _remembered(
    cursor: psycopg.RawCursor[tuple[Any, ...]], spec: CubeSpec
) -> Remembered | None:
    """Read what first touches are kept. Later there may be more, never less."""
    cursor.execute(REMEMBERED, (spec.organization_id, UUID(spec.optimization_id)))
    row = cursor.fetchone()
    return Remembered(*row) if row else None


def _connect() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection like Django's, with psycopg's own habits.

    Everything is prepared: that is the extended protocol, which takes one statement at a
    time. By the simple one `COMMIT; DELETE …` would leave the read-only transaction.
    """
    known = django_connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):
        known.pop(name, None)
    return psycopg.connect(**known, prepare_threshold=0)


@contextmanager
def _translated(seconds: int) -> Iterator[None]:
    """Turn the database's errors into ours, with its own words where a query failed."""
    try:
        yield
    except pg_errors.QueryCanceled as error:
        raise QueryFailedError(
            f"The query took longer than {seconds} s and was stopped."
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if error.sqlstate and not error.sqlstate.startswith(("08", "57P")):
            raise QueryFailedError(_words(error)) from error
        raise UnavailableError(
            "The managed warehouse is away.", retry_after=5
        ) from error
    except psycopg.Error as error:
        raise QueryFailedError(_words(error)) from error


def _words(error: psycopg.Error) -> str:
    """What the database said: its sentence and its hint."""
    said = [error.diag.message_primary or str(error), error.diag.message_hint]
    return " ".join(one for one in said if one)


def _checked(sql: str) -> CheckedQuery:
    try:
        return customer.check(sql, managed=True)
    except RefusedError as error:
        raise InvalidParametersError.of("sql", error.reason) from error


def _plain(rows: Sequence[Sequence[object]]) -> tuple[tuple[object, ...], ...]:
    return tuple(tuple(plain.value(one) for one in row) for row in rows)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)

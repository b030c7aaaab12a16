"""Checks of customers' queries, in a process that is killed when one takes too long."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings

from levered_site.errors import UnavailableError
from warehouse.processes.isolated_process import ProcessEndedError
from warehouse.processes.messages import DeadlineError
from warehouse.processes.pool import PoolBusyError, ProcessPool
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.preview.subquery_columns import MissingColumn
from warehouse.sql.shapes import CheckedMetric, CheckedQuery, CheckedSource

MODULE = "warehouse.backends.query_check_process"
TOO_COMPLEX = (
    "The query is too complex to be checked: shorten its chains of operators and nested "
    "calls, or move a part of it into a view."
)
# A check has QUERY_CHECK_SECONDS of a processor, and so many times of that by the clock:
# beyond it the machine is too busy, which is not the query's fault.
CLOCK_FACTOR = 6


def check_query(
    sql: str,
    dialect: str,
    *,
    managed: bool,
    schema: str | None,
    database: str | None,
) -> CheckedQuery:
    """Check a query as warehouse.sql.customer.check does, under a deadline.

    Raises RefusedError, also if checking takes more than QUERY_CHECK_SECONDS of a
    processor or more memory than QUERY_PROCESS_BYTES, and UnavailableError if no process
    is free or the machine is too busy.
    """
    checked: CheckedQuery = _call(
        "query", sql, dialect, managed=managed, schema=schema, database=database
    )
    return checked


def check_metric_query(
    sql: str,
    mapping: Mapping[str, str | None],
    dialect: str,
    *,
    managed: bool,
    schema: str | None,
    database: str | None,
) -> CheckedMetric:
    """Check a metric's query; raises as check_query."""
    checked: CheckedMetric = _call(
        "metric",
        sql,
        dict(mapping),
        dialect,
        managed=managed,
        schema=schema,
        database=database,
    )
    return checked


def check_source_query(
    sql: str,
    mapping: Mapping[str, str | None],
    dialect: str,
    *,
    schema: str | None,
    database: str | None,
) -> CheckedSource:
    """Check an assignment source's query; raises as check_query."""
    checked: CheckedSource = _call(
        "source", sql, dict(mapping), dialect, schema=schema, database=database
    )
    return checked


def find_missing_columns(
    query: CheckedQuery, message: str, columns: Mapping[str, Sequence[str]]
) -> list[MissingColumn]:
    """Return what a failure says that a subquery does not return; none if time is up.

    `columns` are those of the query's tables.
    """
    try:
        missing: list[MissingColumn] = _call("missing", query, message, columns)
    except (RefusedError, UnavailableError):
        return []
    return missing


@cache
def get_pool() -> ProcessPool:
    """Return this process's pool of checking processes."""
    return ProcessPool(
        MODULE, settings.QUERY_CHECK_PROCESSES, settings.QUERY_PROCESS_BYTES
    )


def _call(name: str, *arguments: object, **options: object) -> Any:
    seconds = settings.QUERY_CHECK_SECONDS
    request = (name, arguments, options, seconds)
    try:
        (result,) = get_pool().call(
            request, CLOCK_FACTOR * seconds, wait_seconds=seconds
        )
    except PoolBusyError as error:
        raise UnavailableError(
            "Too many queries are being checked; try again.", retry_after=1
        ) from error
    except DeadlineError as error:
        raise UnavailableError(
            "The machine is too busy to check the query; try again.", retry_after=5
        ) from error
    except ProcessEndedError as error:
        raise RefusedError(TOO_COMPLEX) from error
    if isinstance(result, RefusedError):
        raise result
    return result

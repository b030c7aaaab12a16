"""Validation of customers' queries, reported as errors of the API's fields."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from levered_site.errors import (
    FieldProblem,
    InvalidParametersError,
    QueryRefusedError,
)
from warehouse.backends.errors import QueryFailedError
from warehouse.sql import RefusedError
from warehouse.sql.preview import unknown_columns
from warehouse.sql.shapes import CheckedMetric, CheckedSource


@contextmanager
def translate_refusals() -> Iterator[None]:
    """Turn RefusedError into InvalidParametersError on the field `sql`."""
    try:
        yield
    except RefusedError as error:
        raise InvalidParametersError.for_field("sql", error.reason) from error


@contextmanager
def translate_query_failures() -> Iterator[None]:
    """Turn QueryFailedError into InvalidParametersError on the field `sql`.

    For a query that the caller has just sent: what the warehouse says is about it.
    """
    try:
        yield
    except QueryFailedError as error:
        raise QueryRefusedError.for_field("sql", error.message) from error


@contextmanager
def translate_mapping_failures() -> Iterator[None]:
    """Turn QueryFailedError into InvalidParametersError on the field `column_mapping`.

    For the query of warehouse.sql.preview.projection: the customer's query below it has
    run before, so a failure is caused by the types of the mapped columns.
    """
    try:
        yield
    except QueryFailedError as error:
        raise QueryRefusedError.for_field(
            "column_mapping",
            "The mapped columns cannot be read; timestamp must be a moment, the others "
            f"text or numbers. {error.message}",
        ) from error


def require_affordable(cost: float | None) -> None:
    """Raise InvalidParametersError on `sql` if a planned query costs too much."""
    if message := _describe_excess(cost):
        raise QueryRefusedError.for_field("sql", message)


def require_affordable_count(cost: float | None) -> None:
    """Raise QueryFailedError if a query that is about to be counted costs too much.

    It was affordable when it was saved: the tables have grown, or had no statistics yet.
    """
    if message := _describe_excess(cost):
        raise QueryFailedError(message)


def _describe_excess(cost: float | None) -> str:
    """Return what is wrong with a cost beyond QUERY_PLAN_COST; "" for others."""
    max_cost: float = settings.QUERY_PLAN_COST
    if cost is None or cost <= max_cost:
        return ""
    return (
        f"The database expects this query to cost {cost:,.0f} units of its planner; "
        f"{max_cost:,.0f} are allowed. Join each table by a condition, or read fewer "
        "days with @start_date. A LIMIT of more than a million rows does not count."
    )


def require_columns(
    checked: CheckedMetric | CheckedSource, result_columns: Sequence[str]
) -> None:
    """Raise InvalidParametersError unless each mapped column is returned exactly once."""
    problems = []
    for role, name in map_roles_to_columns(checked).items():
        field = f"column_mapping.{role}"
        if name not in result_columns:
            columns = ", ".join(result_columns)
            message = f"The query returns no column {name!r}; it returns {columns}."
            if meant := unknown_columns.suggest_column(name, result_columns):
                message += f" Did you mean {meant!r}?"
            problems.append(FieldProblem(field, message))
        elif result_columns.count(name) > 1:
            message = f"The query returns more than one column {name!r}."
            problems.append(FieldProblem(field, message))
    if problems:
        raise QueryRefusedError(problems[0].message, problems)


def map_roles_to_columns(checked: CheckedMetric | CheckedSource) -> dict[str, str]:
    """Return the mapped columns by role (`anonymous_id`, `timestamp`, …)."""
    roles = [name for name in type(checked).__slots__ if name != "query"]
    columns = {role: getattr(checked, role) for role in roles}
    return {role: name for role, name in columns.items() if name}


def find_spelling(name: str, columns: Sequence[str]) -> str | None:
    """Return the column of exactly this name, else the only one in another case."""
    if name in columns:
        return name
    alike = [column for column in columns if column.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None

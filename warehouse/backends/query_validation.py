"""What asking has in common, whatever the warehouse: refusals, missing columns, secrets, time."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from levered_site.errors import FieldProblem, InvalidParametersError
from warehouse.backends.base import QueryFailedError
from warehouse.sql import RefusedError
from warehouse.sql.shapes import CheckedMetric, CheckedSource


@contextmanager
def translate_refusals() -> Iterator[None]:
    """Turn a refused query into InvalidParametersError on the field `sql`."""
    try:
        yield
    except RefusedError as error:
        raise InvalidParametersError.for_field("sql", error.reason) from error


@contextmanager
def translate_mapping_failures() -> Iterator[None]:
    """Turn the failure of warehouse.sql.preview.projection's query, whose own query works, likewise.

    It is on the field `column_mapping`.
    """
    try:
        yield
    except QueryFailedError as error:
        raise InvalidParametersError.for_field(
            "column_mapping",
            "The mapped columns cannot be read; timestamp must be a moment, the others "
            f"text or numbers. {error.message}",
        ) from error


def measure_elapsed_ms(started: float) -> int:
    """Tell how long it has been since this reading of the monotonic clock."""
    return round((time.monotonic() - started) * 1000)


def require_columns(
    checked: CheckedMetric | CheckedSource, found: Iterable[str]
) -> None:
    """Raise InvalidParametersError for mapped columns that a query does not return once."""
    there = list(found)
    wrong = []
    for role, name in _map_roles_to_columns(checked).items():
        field = f"column_mapping.{role}"
        if name not in there:
            columns = ", ".join(there)
            said = f"The query returns no column {name!r}; it returns {columns}."
            wrong.append(FieldProblem(field, said))
        elif there.count(name) > 1:
            said = f"The query returns more than one column {name!r}."
            wrong.append(FieldProblem(field, said))
    if wrong:
        raise InvalidParametersError(wrong[0].message, wrong)


def _map_roles_to_columns(checked: CheckedMetric | CheckedSource) -> dict[str, str]:
    """Which column plays which part."""
    parts = [name for name in type(checked).__slots__ if name != "query"]
    columns = {role: getattr(checked, role) for role in parts}
    return {role: name for role, name in columns.items() if name}


def redact_secrets(message: str, secrets: Iterable[object]) -> str:
    """Take secrets out of what a warehouse or its client said."""
    for secret in sorted({str(one) for one in secrets if one}, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message

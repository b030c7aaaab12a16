"""Recursive WITH queries that meet a limit: which one it is, and what ends it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from levered_site.errors import InvalidParametersError
from warehouse.backends.errors import QueryFailedError, QueryStoppedError
from warehouse.sql.shapes import CheckedQuery, Recursion

REMEDY = (
    "In its second branch move a column towards a limit and require it, such as "
    "SELECT n + 1 … WHERE n < 1000, and leave out rows that were there before."
)
# A connected Postgres that stops a query by limits of its own.
STOPPED_BY_SERVER = re.compile(
    r"exceeds temp_file_limit|out of memory|no space left on device", re.IGNORECASE
)


@contextmanager
def name_recursions(query: CheckedQuery) -> Iterator[None]:
    """Let a failure at a limit name the WITH queries that may be the reason."""
    try:
        yield
    except QueryFailedError as error:
        if not query.recursions or not _is_stopped(error):
            raise
        names = " and ".join(map(_describe_recursion, query.recursions))
        are = "are" if len(query.recursions) > 1 else "is"
        raise QueryStoppedError(
            f"{error.message} The reason may be a recursion that never ends; recursive "
            f"{are} {names}. {REMEDY}"
        ) from error


def require_ends(
    query: CheckedQuery, run_query: Callable[[CheckedQuery], object]
) -> None:
    """Run each recursive WITH query of a query alone.

    Raises InvalidParametersError on `sql`, which names it, if one meets a limit.
    """
    for recursion in query.recursions:
        reading = replace(query, text=recursion.text, columns=None, recursions=())
        try:
            run_query(reading)
        except QueryFailedError as error:
            if not _is_stopped(error):
                continue  # what it reads is there inside the whole query only
            raise InvalidParametersError.for_field(
                "sql",
                f"The recursive WITH query {_describe_recursion(recursion)} does not end, "
                f"or not in time. {error.message} {REMEDY}",
            ) from error


def _is_stopped(error: QueryFailedError) -> bool:
    is_ours = isinstance(error, QueryStoppedError)
    return is_ours or bool(STOPPED_BY_SERVER.search(error.message))


def _describe_recursion(recursion: Recursion) -> str:
    line = f" (line {recursion.line})" if recursion.line else ""
    return f"{recursion.name}{line}"

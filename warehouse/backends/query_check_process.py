"""A child process that checks customers' queries: parsing some texts takes forever.

Run by `warehouse.processes`. A request is a function's name, its arguments, and how many
seconds of a processor it may take; the answer is what the function returns, or a
RefusedError. A function that takes longer ends the process.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from warehouse.processes.child import limit_processor_time, serve_requests
from warehouse.sql.customer import check
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.preview import subquery_columns

FUNCTIONS: dict[str, Callable[..., object]] = {
    "query": check.check_query,
    "metric": check.check_metric_query,
    "source": check.check_source_query,
    "missing": subquery_columns.find_missing_columns,
}
UNREADABLE = "The query cannot be read: write it in a simpler way."


def answer_request(
    request: tuple[str, tuple[Any, ...], Mapping[str, Any], float],
) -> Iterator[Any]:
    """Yield what the named function returns, or the reason why it refuses the query."""
    name, arguments, options, seconds = request
    try:
        with limit_processor_time(seconds):
            answer = FUNCTIONS[name](*arguments, **options)
        yield answer
    except RefusedError as error:
        yield error
    except Exception:  # noqa: BLE001 - the parser fails in ways of its own on some texts
        yield RefusedError(UNREADABLE)


if __name__ == "__main__":
    serve_requests(answer_request)

"""A child process that waits a second for its first request instead of five minutes."""

from collections.abc import Iterator

from warehouse.processes import child


def answer_request(request: object) -> Iterator[object]:
    """Yield the request."""
    yield request


if __name__ == "__main__":
    child.FIRST_REQUEST_SECONDS = 1.0
    child.serve_requests(answer_request)

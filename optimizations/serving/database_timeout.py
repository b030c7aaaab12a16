"""Database queries on side threads, so that a request waits for them a limited time."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

from levered_site.errors import UnavailableError

P = ParamSpec("P")
R = TypeVar("R")

THREAD_COUNT = 4
MAX_WAIT_SECONDS = 0.9  # a client's fallback should appear within the second

DATABASE_AWAY_MESSAGE = "The database does not answer; try again."


class _ThreadPool:
    """The side threads of this process, started at the first query.

    A fork copies the pool without its threads, so a child starts its own.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the pool, as a fork must."""
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def submit(
        self, query: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> "Future[R]":
        """Run a query on a side thread."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREAD_COUNT, "database-timeout")
            return self._pool.submit(_run_on_thread, partial(query, *args, **kwargs))


def _run_on_thread(query: Callable[[], R]) -> R:
    # Django drops broken connections when a request starts or ends, which never happens
    # on these threads.
    close_old_connections()
    return query()


_thread_pool = _ThreadPool()
os.register_at_fork(after_in_child=_thread_pool.reset)


def start_in_thread(
    query: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> "Future[R]":
    """Start a query and return the future of its result or its exception."""
    return _thread_pool.submit(query, *args, **kwargs)


def await_result(future: "Future[R]", seconds: float = MAX_WAIT_SECONDS) -> R:
    """Wait for a result. Raises UnavailableError when it takes too long."""
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise UnavailableError(DATABASE_AWAY_MESSAGE, retry_after=1) from error

"""Questions to the database on side threads: a request waits no longer than it may."""

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
MAX_WAIT_SECONDS = 0.9  # seconds; a client's fallback should appear within the second

DATABASE_AWAY_MESSAGE = "The database does not answer; try again."


class _ThreadPool:
    """The side threads of this process, made at the first question.

    A fork copies the pool without its threads, so a child makes its own.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the pool, as a fork must."""
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def submit(
        self, question: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> "Future[R]":
        """Hand a question to a thread."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREAD_COUNT, "patience")
            return self._pool.submit(_run_on_thread, partial(question, *args, **kwargs))


def _run_on_thread(question: Callable[[], R]) -> R:
    # No request starts or ends here, so nobody else drops a connection that broke.
    close_old_connections()
    return question()


_thread_pool = _ThreadPool()
os.register_at_fork(after_in_child=_thread_pool.reset)


def start_in_thread(
    question: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> "Future[R]":
    """Ask without waiting; the answer, or its failure, is in the future."""
    return _thread_pool.submit(question, *args, **kwargs)


def await_result(future: "Future[R]", seconds: float = MAX_WAIT_SECONDS) -> R:
    """Wait for an answer. Raises UnavailableError when it takes too long."""
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise UnavailableError(DATABASE_AWAY_MESSAGE, retry_after=1) from error


def run_with_timeout(question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask and wait at most LONGEST_WAIT. Raises UnavailableError, or what the question did."""
    return await_result(start_in_thread(question, *args, **kwargs))

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

THREADS = 4
LONGEST_WAIT = 0.9  # seconds; a client's fallback should appear within the second

AWAY = "The database does not answer; try again."


class _Threads:
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
                self._pool = ThreadPoolExecutor(THREADS, "patience")
            return self._pool.submit(_on_thread, partial(question, *args, **kwargs))


def _on_thread(question: Callable[[], R]) -> R:
    # No request starts or ends here, so nobody else drops a connection that broke.
    close_old_connections()
    return question()


_threads = _Threads()
os.register_at_fork(after_in_child=_threads.reset)


def begin(question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
    """Ask without waiting; the answer, or its failure, is in the future."""
    return _threads.submit(question, *args, **kwargs)


def await_answer(future: "Future[R]", seconds: float = LONGEST_WAIT) -> R:
    """Wait for an answer. Raises UnavailableError when it takes too long."""
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise UnavailableError(AWAY, retry_after=1) from error


def ask(question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask and wait at most LONGEST_WAIT. Raises UnavailableError, or what the question did."""
    return await_answer(begin(question, *args, **kwargs))

"""End, from another thread, the statement that a warehouse runs for this one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from warehouse.backends.errors import QueryFailedError

CANCELLED = "The query was cancelled."


class Canceller:
    """Cancels the statements of the thread that uses it; see `use_canceller`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: list[Callable[[], None]] = []
        self._is_cancelled = False

    def cancel(self) -> None:
        """End the running statements; later ones are refused.

        May be called again, for a statement that began at the moment of the first call.
        """
        with self._lock:
            self._is_cancelled = True
            running = list(self._running)
        for cancel_statement in running:
            cancel_statement()

    @property
    def is_cancelled(self) -> bool:
        """Whether the work was cancelled."""
        with self._lock:
            return self._is_cancelled

    @contextmanager
    def watch(self, cancel_statement: Callable[[], None]) -> Iterator[None]:
        """Make a statement known while it runs. Raises QueryFailedError if cancelled."""
        with self._lock:
            if self._is_cancelled:
                raise QueryFailedError(CANCELLED)
            self._running.append(cancel_statement)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(cancel_statement)


_current: ContextVar[Canceller | None] = ContextVar("canceller", default=None)


@contextmanager
def use_canceller(canceller: Canceller) -> Iterator[None]:
    """Let the canceller end what warehouses run for this thread inside `with`."""
    token = _current.set(canceller)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def watch_statement(cancel_statement: Callable[[], None]) -> Iterator[None]:
    """Run a statement that the thread's canceller, if it has one, may end.

    `cancel_statement` is called from another thread and must not raise. Raises
    QueryFailedError if the thread's work has been cancelled.
    """
    canceller = _current.get()
    if canceller is None:
        yield
        return
    with canceller.watch(cancel_statement):
        yield


def is_cancelled() -> bool:
    """Return whether the work of this thread was cancelled."""
    canceller = _current.get()
    return canceller is not None and canceller.is_cancelled

"""One deadline for all that a request asks a warehouse, however many sessions it opens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from warehouse.backends.errors import QueryFailedError


@dataclass(frozen=True, slots=True)
class _Deadline:
    ends_at: float  # a reading of the monotonic clock
    seconds: float


_current: ContextVar[_Deadline | None] = ContextVar("warehouse_deadline", default=None)


@contextmanager
def share_deadline(seconds: float) -> Iterator[None]:
    """Give everything that this thread asks warehouses inside `with` so long in all."""
    token = _current.set(_Deadline(time.monotonic() + seconds, seconds))
    try:
        yield
    finally:
        _current.reset(token)


def limit_seconds(seconds: float) -> float:
    """Return `seconds`, or less where less is left of the shared deadline.

    Raises QueryFailedError if nothing is left.
    """
    deadline = _current.get()
    if deadline is None:
        return seconds
    seconds_left = deadline.ends_at - time.monotonic()
    if seconds_left <= 0:
        raise QueryFailedError(
            f"The queries of this request took longer than {deadline.seconds:.0f} s in "
            "all and were stopped."
        )
    return min(seconds, seconds_left)

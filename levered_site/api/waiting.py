"""Seats for requests that wait long, so that they never fill the threads that serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from levered_site.errors import UnavailableError


@cache
def _seats() -> BoundedSemaphore:
    return BoundedSemaphore(settings.WAITING_REQUESTS)


@contextmanager
def seat() -> Iterator[bool]:
    """Take one of this process's seats; False where all are taken."""
    taken = _seats().acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            _seats().release()


@contextmanager
def seated() -> Iterator[None]:
    """Take a seat.

    Raises:
        UnavailableError: all are taken.
    """
    with seat() as taken:
        if not taken:
            raise UnavailableError(
                "Too many requests wait for long work here; try again.", retry_after=5
            )
        yield

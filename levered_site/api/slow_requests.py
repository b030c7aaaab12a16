"""Seats for requests that wait long, so that they never fill the threads that serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from levered_site.errors import UnavailableError


@cache
def _get_semaphore() -> BoundedSemaphore:
    return BoundedSemaphore(settings.WAITING_REQUESTS)


@contextmanager
def try_reserve_thread() -> Iterator[bool]:
    """Take one of this process's seats; False where all are taken."""
    taken = _get_semaphore().acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            _get_semaphore().release()


@contextmanager
def reserve_thread() -> Iterator[None]:
    """Take a seat.

    Raises:
        UnavailableError: all are taken.
    """
    with try_reserve_thread() as taken:
        if not taken:
            raise UnavailableError(
                "Too many requests wait for long work here; try again.", retry_after=5
            )
        yield

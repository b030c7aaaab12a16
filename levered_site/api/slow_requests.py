"""A limit on slow requests per process, so that they leave threads free for serving."""

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
    """Reserve a thread for a slow request; yield False where all are reserved."""
    is_reserved = _get_semaphore().acquire(blocking=False)
    try:
        yield is_reserved
    finally:
        if is_reserved:
            _get_semaphore().release()


@contextmanager
def reserve_thread() -> Iterator[None]:
    """Reserve a thread for a slow request.

    Raises:
        UnavailableError: all are reserved.
    """
    with try_reserve_thread() as is_reserved:
        if not is_reserved:
            raise UnavailableError(
                "Too many slow requests are running; try again in 5 s.", retry_after=5
            )
        yield

"""Limits on slow requests and on large answers per process.

Slow ones must leave threads free, large ones memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from django.conf import settings

from levered_site.errors import UnavailableError

# Answers of megabytes that are built at once: each takes several times its size.
LARGE_ANSWERS = 3
TURN_SECONDS = 10.0
_turns = BoundedSemaphore(LARGE_ANSWERS)


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


@contextmanager
def take_turn() -> Iterator[None]:
    """Wait for a turn to build a large answer, and keep it until it is written.

    Raises:
        UnavailableError: the others took too long.
    """
    if not _turns.acquire(timeout=TURN_SECONDS):
        raise UnavailableError(
            "Too many large answers are being built; try again in 5 s.", retry_after=5
        )
    try:
        yield
    finally:
        _turns.release()

"""The cap on an optimization's new users per minute, counted across processes."""

import os
import time
from collections import Counter
from threading import Lock

import redis
import structlog
from django.conf import settings

from levered_site.api import rate_limits
from levered_site.errors import RateLimitedError
from optimizations.serving import database_timeout

log = structlog.get_logger(__name__)

COUNT_TTL_SECONDS = 120  # a minute's count is useless afterwards


class _NewUserCounter:
    """Counts that this process has yet to add to the cache.

    One side thread sends them; users counted while it sends go with its next round.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the counts: a fork copies them without the thread that sends them."""
        self._lock = Lock()
        self._unsent: Counter[str] = Counter()
        self._is_sending = False

    def add(self, key: str) -> None:
        """Count one user, and start sending unless a thread sends already."""
        with self._lock:
            self._unsent[key] += 1
            if self._is_sending:
                return
            self._is_sending = True
        database_timeout.start_in_thread(self._send_counts)

    def _send_counts(self) -> None:
        while True:
            with self._lock:
                counts, self._unsent = self._unsent, Counter()
                if not counts:
                    self._is_sending = False
                    return
            try:
                _increment_counts(counts)
            except (redis.RedisError, OSError) as error:
                log.warning("newcomers.uncounted", error=str(error))


_new_user_counter = _NewUserCounter()
os.register_at_fork(after_in_child=_new_user_counter.reset)


def build_cache_key(optimization_id: str) -> str:
    """Return the cache key that holds this minute's count of new users."""
    return f"levered:newcomers:{optimization_id}:{int(time.time() // 60)}"


def count_new_user(optimization_id: str) -> None:
    """Count one new user without waiting for the cache."""
    if settings.NEW_USERS_PER_MINUTE:
        _new_user_counter.add(build_cache_key(optimization_id))


def is_cap_reached(cached_count: bytes | None) -> bool:
    """Return whether this minute has no place for another new user.

    `cached_count` is the cache's value of `build_cache_key`, None where absent.
    """
    cap = int(settings.NEW_USERS_PER_MINUTE)
    return bool(cap) and int(cached_count or 0) >= cap


def build_cap_error() -> RateLimitedError:
    """Return the error for a new user above the cap; it says when the minute ends."""
    return RateLimitedError(
        "This optimization has too many new users this minute. Try again next minute.",
        retry_after=60 - int(time.time()) % 60,
    )


def _increment_counts(counts: Counter[str]) -> None:
    pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
    for key, count in counts.items():
        pipeline.incrby(key, count)
        pipeline.expire(key, COUNT_TTL_SECONDS)
    pipeline.execute()

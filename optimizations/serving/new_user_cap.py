"""How many new users an optimization had this minute, counted across processes."""

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

COUNT_TTL_SECONDS = 120  # seconds; a minute's count is of no use later


class _NewUserCounter:
    """Counts of this process on their way to the cache, a few at a time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start afresh: a fork copies the counts and not the thread that sends them."""
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._sending = False

    def add(self, key: str) -> None:
        """Count one; whoever sends already takes it along."""
        with self._lock:
            self._waiting[key] += 1
            if self._sending:
                return
            self._sending = True
        database_timeout.start_in_thread(self._send_counts)

    def _send_counts(self) -> None:
        while True:
            with self._lock:
                counts, self._waiting = self._waiting, Counter()
                if not counts:
                    self._sending = False
                    return
            try:
                _increment_counts(counts)
            except (redis.RedisError, OSError) as error:
                log.warning("newcomers.uncounted", error=str(error))


_new_user_counter = _NewUserCounter()
os.register_at_fork(after_in_child=_new_user_counter.reset)


def build_cache_key(optimization_id: str) -> str:
    """Name the cache key that counts this minute's new users."""
    return f"levered:newcomers:{optimization_id}:{int(time.time() // 60)}"


def count_new_user(optimization_id: str) -> None:
    """Count one new user, without waiting for the cache."""
    if settings.NEW_USERS_PER_MINUTE:
        _new_user_counter.add(build_cache_key(optimization_id))


def is_cap_reached(known: bytes | None) -> bool:
    """Tell from the value of `key` whether the minute has had its new users."""
    cap = int(settings.NEW_USERS_PER_MINUTE)
    return bool(cap) and int(known or 0) >= cap


def build_cap_error() -> RateLimitedError:
    """Word the answer to one new user too many: the next minute is another."""
    return RateLimitedError(
        "Too many new users of this optimization in this minute.",
        retry_after=60 - int(time.time()) % 60,
    )


def _increment_counts(counts: Counter[str]) -> None:
    pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
    for name, number in counts.items():
        pipeline.incrby(name, number)
        pipeline.expire(name, COUNT_TTL_SECONDS)
    pipeline.execute()

"""How many new users an optimization had this minute, counted across processes."""

import os
import time
from collections import Counter
from threading import Lock

import redis
import structlog
from django.conf import settings

from levered_site.api import ratelimits
from levered_site.errors import RateLimitedError
from optimizations.serving import database_timeout

log = structlog.get_logger(__name__)

KEPT = 120  # seconds; a minute's count is of no use later


class _Tally:
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
        database_timeout.begin(self._send)

    def _send(self) -> None:
        while True:
            with self._lock:
                counts, self._waiting = self._waiting, Counter()
                if not counts:
                    self._sending = False
                    return
            try:
                _increase(counts)
            except (redis.RedisError, OSError) as error:
                log.warning("newcomers.uncounted", error=str(error))


_tally = _Tally()
os.register_at_fork(after_in_child=_tally.reset)


def key(optimization_id: str) -> str:
    """Name the cache key that counts this minute's new users."""
    return f"levered:newcomers:{optimization_id}:{int(time.time() // 60)}"


def count(optimization_id: str) -> None:
    """Count one new user, without waiting for the cache."""
    if settings.NEW_USERS_PER_MINUTE:
        _tally.add(key(optimization_id))


def crowded(known: bytes | None) -> bool:
    """Tell from the value of `key` whether the minute has had its new users."""
    cap = int(settings.NEW_USERS_PER_MINUTE)
    return bool(cap) and int(known or 0) >= cap


def refusal() -> RateLimitedError:
    """Word the answer to one new user too many: the next minute is another."""
    return RateLimitedError(
        "Too many new users of this optimization in this minute.",
        retry_after=60 - int(time.time()) % 60,
    )


def _increase(counts: Counter[str]) -> None:
    pipeline = ratelimits.client().pipeline(transaction=False)
    for name, number in counts.items():
        pipeline.incrby(name, number)
        pipeline.expire(name, KEPT)
    pipeline.execute()

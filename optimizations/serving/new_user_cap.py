"""The cap on an optimization's new users per minute, counted across processes."""

import os
import time
from collections import Counter
from threading import Lock

import structlog
from django.conf import settings

from levered_site.api import cache_counters, rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import RateLimitedError
from optimizations.serving import database_timeout

log = structlog.get_logger(__name__)

MAX_COUNT = 2**63 - 1  # of Redis
COUNT_TTL_SECONDS = 120  # a minute's count is useless afterwards


class _NewUserCounter:
    """Counts that this process has yet to add to the cache.

    One side thread sends them; users counted while it sends go with its next round. Where
    the loop polls, its poller sends them instead, and brings the counts of all processes.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the counts: a fork copies them without the thread that sends them."""
        self._lock = Lock()
        self._unsent: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._totals: dict[str, int] = {}
        self._is_sending = False
        self.is_polled = False

    def add(self, key: str) -> None:
        """Count one user, and start sending unless that is under way."""
        with self._lock:
            self._unsent[key] += 1
            if self._is_sending or self.is_polled:
                return
            self._is_sending = True
        database_timeout.start_in_thread(self._send_counts)

    def subtract(self, key: str) -> None:
        """Take back one user who was not new."""
        with self._lock:
            self._unsent[key] -= 1

    def take_unsent(self) -> Counter[str]:
        """Return the counts to send now, for the poller."""
        with self._lock:
            self._in_flight, self._unsent = self._unsent, Counter()
            return self._in_flight

    def store_totals(self, totals: dict[str, int]) -> None:
        """Keep the counts of all processes, those just sent included."""
        self._totals, self._in_flight = totals, Counter()

    def estimate_total(self, key: str) -> int:
        """Return the users of all processes as last polled, with this one's since."""
        return self._totals.get(key, 0) + self._in_flight[key] + self._unsent[key]

    def _send_counts(self) -> None:
        while True:
            with self._lock:
                counts, self._unsent = self._unsent, Counter()
                if not counts:
                    self._is_sending = False
                    return
            try:
                _increment_counts(counts)
            except CACHE_ERRORS as error:
                log.warning("newcomers.uncounted", error=str(error))


_new_user_counter = _NewUserCounter()
os.register_at_fork(after_in_child=_new_user_counter.reset)


def build_cache_key(optimization_id: str) -> str:
    """Return the cache key that holds this minute's count of new users."""
    return f"levered:newcomers:{optimization_id}:{int(time.time() // 60)}"


def count_new_user(optimization_id: str) -> str:
    """Count one new user without waiting for the cache; return the key of the count."""
    key = build_cache_key(optimization_id)
    if settings.NEW_USERS_PER_MINUTE:
        _new_user_counter.add(key)
    return key


def uncount_new_user(key: str) -> None:
    """Take back a user who was counted under this key and turned out to be known."""
    if settings.NEW_USERS_PER_MINUTE:
        _new_user_counter.subtract(key)


def is_cap_reached(cached_count: bytes | None) -> bool:
    """Return whether this minute has no place for another new user.

    `cached_count` is the cache's value of `build_cache_key`, None where absent.
    """
    cap = int(settings.NEW_USERS_PER_MINUTE)
    return bool(cap) and _parse_count(cached_count) >= cap


def is_cap_reached_now(optimization_id: str) -> bool:
    """Return, in a process that polls, whether this minute has no place any more."""
    cap = int(settings.NEW_USERS_PER_MINUTE)
    if not cap:
        return False
    return _new_user_counter.estimate_total(build_cache_key(optimization_id)) >= cap


def set_polled(*, is_polled: bool) -> None:
    """Say whether a poller of this process sends the counts."""
    _new_user_counter.is_polled = is_polled


def take_unsent_counts() -> Counter[str]:
    """Return the counts to add to the cache now, by key."""
    return _new_user_counter.take_unsent()


def store_polled_totals(totals: dict[str, bytes | None]) -> None:
    """Keep the cache's counts, by key."""
    _new_user_counter.store_totals(
        {key: _parse_count(total) for key, total in totals.items()}
    )


def build_cap_error() -> RateLimitedError:
    """Return the error for a new user above the cap; it says when the minute ends."""
    return RateLimitedError(
        "This optimization has too many new users this minute. Try again next minute.",
        retry_after=60 - int(time.time()) % 60,
    )


def _parse_count(data: bytes | None) -> int:
    """Return a count of the cache; 0 if it is missing, or others wrote no count there.

    The next user who is counted replaces what is no count.
    """
    try:
        count = int(data or 0)
    except (TypeError, ValueError):
        return 0
    return count if 0 <= count <= MAX_COUNT else 0


def _increment_counts(counts: Counter[str]) -> None:
    pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
    for key, count in counts.items():
        cache_counters.queue_increment(pipeline, key, count, COUNT_TTL_SECONDS)
    for key, reply in zip(counts, pipeline.execute(), strict=True):
        cache_counters.read_total(key, reply)

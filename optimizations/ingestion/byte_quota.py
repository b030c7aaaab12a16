"""The bytes of events that one organization may send in a day (UTC): they fill the disk."""

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.conf import settings
from django.utils import timezone

from levered_site.api import cache_counters, rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import RateLimitedError

# A process adds its bytes to the common count this often, or when they are this many.
SEND_SECONDS = 1.0
SEND_BYTES = 16 * 2**20
COUNT_TTL = timedelta(days=2)


@dataclass(slots=True)
class _DayCount:
    """One organization's bytes of a day: those of all processes, and those not sent yet."""

    total: int = 0
    unsent: int = 0
    sent_at: float = float("-inf")  # a reading of the monotonic clock

    def is_due(self, now: float) -> bool:
        return self.unsent >= SEND_BYTES or now - self.sent_at >= SEND_SECONDS


class _ByteCounter:
    """The counts of this process, for the day of the last request."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all counts. A fork must not send what its parent counts."""
        self._lock = Lock()
        self._day = ""
        self._counts: dict[str, _DayCount] = defaultdict(_DayCount)

    def add(self, organization_id: str, size: int, day: str) -> int:
        """Count the bytes; return those of the day so far, as far as this process knows."""
        with self._lock:
            if day != self._day:
                self._day = day
                self._counts.clear()
            count = self._counts[organization_id]
            count.unsent += size
            now = time.monotonic()
            if not count.is_due(now) or rate_limits.is_cache_paused():
                return count.total + count.unsent
            sent, count.unsent, count.sent_at = count.unsent, 0, now
        total = _send(f"event-bytes:{organization_id}:{day}", sent)
        count.total = count.total + sent if total is None else total
        return count.total


_counter = _ByteCounter()
os.register_at_fork(after_in_child=_counter.reset)


def spend_bytes(organization_id: str, size: int) -> None:
    """Count the bytes of a request before its events are stored.

    Raises RateLimitedError, until the next day, once the organization has sent more than
    EVENT_BYTES_PER_DAY. Processes learn of each other's bytes within SEND_SECONDS, and
    without the cache each knows its own only.
    """
    limit: int = settings.EVENT_BYTES_PER_DAY
    if not limit:
        return
    now = timezone.now()
    if _counter.add(organization_id, size, now.date().isoformat()) > limit:
        raise RateLimitedError(
            f"Your organization has sent more than the {limit:,} bytes of events that it "
            "may send a day (UTC).",
            retry_after=_count_seconds_left(now),
        )


def _count_seconds_left(now: datetime) -> int:
    """Return the seconds until the next day, at least 1."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, round((midnight + timedelta(days=1) - now).total_seconds()))


def _send(key: str, size: int) -> int | None:
    """Add bytes to the common count and return it; None while the cache is away."""
    try:
        pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
        seconds = int(COUNT_TTL.total_seconds())
        cache_counters.queue_increment(pipeline, key, size, seconds)
        (reply,) = pipeline.execute()
    except CACHE_ERRORS as error:
        rate_limits.pause_cache(error)
        return None
    return cache_counters.read_total(key, reply)

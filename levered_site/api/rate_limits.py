"""Counting requests in fixed windows, and saying how many are left."""

import functools
import re
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.backoff import NoBackoff
from redis.retry import Retry

from levered_site.errors import RateLimitedError

log = structlog.get_logger(__name__)

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
GRACE_SECONDS = 5  # a window's counter outlives it a little, against misses
PAUSE_SECONDS = 1.0  # after a failure the cache is left alone this long


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a caller stands in the current window; `reset` in seconds from now."""

    limit: int
    count: int
    reset: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.count > self.limit

    def headers(self) -> dict[str, str]:
        """Name the three headers that every answer of a limited endpoint carries."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.count)),
            "RateLimit-Reset": str(max(0, self.reset)),
        }


class _CircuitBreaker:
    """Keeps an absent cache from slowing every request, and the log from filling."""

    def __init__(self) -> None:
        self.closed_until = 0.0

    def is_open(self) -> bool:
        return time.monotonic() >= self.closed_until

    def trip(self, error: Exception) -> None:
        self.closed_until = time.monotonic() + PAUSE_SECONDS
        log.warning("ratelimit.cache_away", error=str(error))


_breaker = _CircuitBreaker()


@functools.lru_cache(maxsize=32)
def parse_rate(text: str) -> Rate | None:
    """Read `100/m`, `5/10s`, `0`; None means that nothing is limited.

    Raises:
        ValueError: it is none of these.
    """
    found = re.fullmatch(r"(\d+)(?:/(\d*)([smhd]))?", text.strip())
    if not found or (found[1] != "0" and not found[3]):
        raise ValueError(f"not a rate: {text!r} (write 100/m, or 0 for none)")
    if int(found[1]) == 0:
        return None
    return Rate(int(found[1]), int(found[2] or 1) * SECONDS_PER_UNIT[found[3]])


def count_request(request: HttpRequest, group: str, rate: str, value: str) -> None:
    """Count one request of `value` (an address, a key id) against `rate`.

    Remembers the usage for the answer's headers. A cache that is away limits nobody.

    Raises:
        RateLimitedError: over the limit.
    """
    parsed = parse_rate(rate)
    vars(request)["rate_counted"] = True
    if parsed is None or not _breaker.is_open():
        return
    try:
        found = get_usage(
            request,
            group=group,
            key=lambda _group, _request: value,
            rate=f"{parsed.limit}/{parsed.seconds}s",
            increment=True,
        )
    except (redis.RedisError, OSError) as error:
        _breaker.trip(error)
        return
    # A negative time says that the counter vanished between two commands.
    if found is not None and found["time_left"] >= 0:
        usage = Usage(found["limit"], found["count"], found["time_left"])
        enforce_limit(request, usage)


def enforce_limit(request: HttpRequest, usage: Usage | None) -> None:
    """Put the usage on the answer's headers, and refuse where it is exceeded.

    Raises:
        RateLimitedError: over the limit.
    """
    vars(request)["rate_counted"] = True
    if usage is None:
        return
    vars(request)["rate_usage"] = usage
    if usage.is_exceeded:
        raise RateLimitedError(
            f"At most {usage.limit} requests here; try again in {usage.reset} s.",
            retry_after=usage.reset,
        )


def mark_counted(request: HttpRequest) -> None:
    """Say that a request made inside another was counted with that one."""
    vars(request)["rate_counted"] = True


def was_counted(request: HttpRequest) -> bool:
    """Tell whether an endpoint counted the request, or would if anything limited it."""
    return getattr(request, "rate_counted", False) is True


def read_usage(request: HttpRequest) -> Usage | None:
    """Return what `enforce` left on the request."""
    found = getattr(request, "rate_usage", None)
    return found if isinstance(found, Usage) else None


@functools.cache
def get_redis_client() -> redis.Redis:
    """Return this process's client for the hot path: short waits, one retry."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),
    )


def count_in_pipeline(
    group: str, rate: str, value: str, read: Sequence[str] = ()
) -> tuple[Usage | None, list[bytes | None]]:
    """Count one request and read other keys in the same round trip: for the hot path.

    Returns the usage (None: nothing is limited, or the cache is away) and the values
    of `read` in order (None: absent, or the cache is away). Enforce the first with
    `enforce(request, usage)`.
    """
    parsed = parse_rate(rate)
    nothing: list[bytes | None] = [None] * len(read)
    if not _breaker.is_open() or (parsed is None and not read):
        return None, nothing
    pipeline = get_redis_client().pipeline(transaction=False)
    for key in read:
        pipeline.get(key)
    now = int(time.time())
    end = now
    if parsed is not None:
        end = compute_window_end(value, parsed.seconds, now)
        counter = f"rl:{group}:{parsed.limit}/{parsed.seconds}:{value}:{end}"
        pipeline.incr(counter)
        pipeline.expire(counter, end - now + GRACE_SECONDS)
    try:
        replies = pipeline.execute()
    except (redis.RedisError, OSError) as error:
        _breaker.trip(error)
        return None, nothing
    values = replies[: len(read)]
    if parsed is None:
        return None, values
    return Usage(parsed.limit, int(replies[len(read)]), end - now), values


def compute_window_end(value: str, seconds: int, now: int) -> int:
    """Say when the current window of `value` ends; windows of callers are staggered."""
    phase = zlib.crc32(value.encode()) % seconds
    return now + seconds - (now - phase) % seconds

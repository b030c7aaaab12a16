"""Rate limits: count requests in fixed windows and report how many remain."""

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
GRACE_SECONDS = (
    5  # a counter outlives its window by this, so that no late request loses it
)
PAUSE_SECONDS = 1.0  # after a failure the cache is not asked for this long


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` requests in `seconds`."""

    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Usage:
    """A caller's count in the current window, which ends in `reset` seconds."""

    limit: int
    count: int
    reset: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is over the limit."""
        return self.count > self.limit

    def headers(self) -> dict[str, str]:
        """Return the three headers of every response of a limited endpoint."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.count)),
            "RateLimit-Reset": str(max(0, self.reset)),
        }


class _CircuitBreaker:
    """Skip an unavailable cache for a while: requests stay fast, the log stays short."""

    def __init__(self) -> None:
        self.open_until = 0.0

    def is_open(self) -> bool:
        return time.monotonic() < self.open_until

    def trip(self, error: Exception) -> None:
        self.open_until = time.monotonic() + PAUSE_SECONDS
        log.warning("ratelimit.cache_away", error=str(error))


_breaker = _CircuitBreaker()


@functools.lru_cache(maxsize=32)
def parse_rate(text: str) -> Rate | None:
    """Parse a rate: `100/m`, `5/10s`, or `0`, which returns None and limits nothing.

    Raises:
        ValueError: `text` is not a rate.
    """
    match = re.fullmatch(r"(\d+)(?:/(\d*)([smhd]))?", text.strip())
    if not match or (match[1] != "0" and not match[3]):
        raise ValueError(f"not a rate: {text!r} (write 100/m, or 0 for no limit)")
    limit, units, unit = match.groups()
    if int(limit) == 0:
        return None
    return Rate(int(limit), int(units or 1) * SECONDS_PER_UNIT[unit])


def count_request(request: HttpRequest, group: str, rate: str, value: str) -> None:
    """Count one request of `value` (an address, a key id) against `rate`.

    Stores the usage on the request for the response's headers. While the cache is
    unavailable nothing is limited.

    Raises:
        RateLimitedError: the request is over the limit.
    """
    parsed = parse_rate(rate)
    mark_counted(request)
    if parsed is None or _breaker.is_open():
        return
    try:
        reading = get_usage(
            request,
            group=group,
            key=lambda _group, _request: value,
            rate=f"{parsed.limit}/{parsed.seconds}s",
            increment=True,
        )
    except (redis.RedisError, OSError) as error:
        _breaker.trip(error)
        return
    # A negative time means that the counter expired between two commands.
    if reading is not None and reading["time_left"] >= 0:
        usage = Usage(reading["limit"], reading["count"], reading["time_left"])
        enforce_limit(request, usage)


def enforce_limit(request: HttpRequest, usage: Usage | None) -> None:
    """Store the usage for the response's headers; raise if it is over the limit.

    Raises:
        RateLimitedError: the usage is over the limit.
    """
    mark_counted(request)
    if usage is None:
        return
    vars(request)["rate_usage"] = usage
    if usage.is_exceeded:
        raise RateLimitedError(
            f"Too many requests: the limit is {usage.limit}. Retry in {usage.reset} s.",
            retry_after=usage.reset,
        )


def mark_counted(request: HttpRequest) -> None:
    """Mark a request as counted, also one that runs inside another counted request."""
    vars(request)["rate_counted"] = True


def was_counted(request: HttpRequest) -> bool:
    """Return whether the request was counted, or would have been under a limit."""
    return getattr(request, "rate_counted", False) is True


def read_usage(request: HttpRequest) -> Usage | None:
    """Return the usage that `enforce_limit` stored on the request."""
    usage = getattr(request, "rate_usage", None)
    return usage if isinstance(usage, Usage) else None


@functools.cache
def get_redis_client() -> redis.Redis:
    """Return the Redis client of this process for the hot path: 0.25 s, one retry."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),
    )


def count_in_pipeline(
    group: str, rate: str, value: str, keys: Sequence[str] = ()
) -> tuple[Usage | None, list[bytes | None]]:
    """Count one request and read `keys` in one round trip to Redis, for the hot path.

    Returns the usage (None without a limit or a cache) and the values of `keys` in
    order (None where a key or the cache is missing). Pass the usage to `enforce_limit`.
    """
    parsed = parse_rate(rate)
    no_values: list[bytes | None] = [None] * len(keys)
    if _breaker.is_open() or (parsed is None and not keys):
        return None, no_values
    pipeline = get_redis_client().pipeline(transaction=False)
    for key in keys:
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
        return None, no_values
    values = replies[: len(keys)]
    if parsed is None:
        return None, values
    return Usage(parsed.limit, int(replies[len(keys)]), end - now), values


def compute_window_end(value: str, seconds: int, now: int) -> int:
    """Return the end of the current window of `value`, in Unix seconds.

    The windows of different callers are staggered.
    """
    phase = zlib.crc32(value.encode()) % seconds
    return now + seconds - (now - phase) % seconds

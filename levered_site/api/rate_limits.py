"""Rate limits: count requests in fixed windows and report how many remain.

`count_request` serves most endpoints. `count_in_pipeline` serves the hot path, which
reads other keys in the same round trip.
"""

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

from levered_site.api import cache_counters
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import RateLimitedError

log = structlog.get_logger(__name__)

UNLIMITED = "0"
SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# Keep a counter this long after its window, so that a late request still finds it.
GRACE_SECONDS = 5
# After a failure, do not ask the cache for this long.
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` requests in `seconds`."""

    limit: int
    seconds: int

    def __str__(self) -> str:
        noun = "request" if self.limit == 1 else "requests"
        return f"{self.limit} {noun} in {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Usage:
    """A caller's count in the current window, which ends in `seconds_left`."""

    rate: Rate
    count: int
    seconds_left: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is over the limit."""
        return self.count > self.rate.limit

    def build_headers(self) -> dict[str, str]:
        """Return the three headers of every response of a limited endpoint."""
        return {
            "RateLimit-Limit": str(self.rate.limit),
            "RateLimit-Remaining": str(max(0, self.rate.limit - self.count)),
            "RateLimit-Reset": str(max(0, self.seconds_left)),
        }


class _CircuitBreaker:
    """Stop asking the cache for a while after it failed.

    So requests stay fast and the log short.
    """

    def __init__(self) -> None:
        self.paused_until = 0.0

    def is_paused(self) -> bool:
        return time.monotonic() < self.paused_until

    def pause(self, error: Exception) -> None:
        self.paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("ratelimit.cache_away", error=str(error))


_breaker = _CircuitBreaker()


def is_cache_paused() -> bool:
    """Return whether the cache failed a moment ago, so that nothing is limited."""
    return _breaker.is_paused()


def pause_cache(error: Exception) -> None:
    """Ask the cache for nothing for PAUSE_SECONDS, because of this error."""
    _breaker.pause(error)


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


def count_request(request: HttpRequest, group: str, rate: str, caller: str) -> None:
    """Count one request of `caller` (an address, a key id) against `rate`.

    Store the usage on the request, for the headers of the response. While the cache is
    unavailable, no request is limited.

    Raises:
        RateLimitedError: the request is over the limit.
    """
    parsed_rate = parse_rate(rate)
    mark_counted(request)
    if parsed_rate is None or _breaker.is_paused():
        return
    try:
        raw_usage = get_usage(
            request,
            group=group,
            key=lambda _group, _request: caller,
            rate=f"{parsed_rate.limit}/{parsed_rate.seconds}s",
            increment=True,
        )
    except CACHE_ERRORS as error:
        _breaker.pause(error)
        return
    # A negative time means that the counter expired between two commands.
    if raw_usage is not None and raw_usage["time_left"] >= 0:
        usage = Usage(parsed_rate, raw_usage["count"], raw_usage["time_left"])
        enforce_limit(request, usage)


def enforce_limit(request: HttpRequest, usage: Usage | None) -> None:
    """Store the usage for the headers of the response; raise if it is over the limit.

    Raises:
        RateLimitedError: the usage is over the limit.
    """
    mark_counted(request)
    if usage is None:
        return
    vars(request)["rate_usage"] = usage
    refuse_exceeded(usage)


def refuse_exceeded(usage: Usage) -> None:
    """Raise RateLimitedError if the usage is over the limit."""
    if usage.is_exceeded:
        raise RateLimitedError(
            f"Too many requests: the limit is {usage.rate}. "
            f"Retry in {usage.seconds_left} s.",
            retry_after=usage.seconds_left,
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
    """Return the Redis client of this process for the hot path: 0.25 s, one retry.

    The pool is passed in, so that the client does not own it. Threads that call this
    first at the same moment make a client each, and all but one are dropped. A client
    that owned its pool would close the pool's connections then, under the pipelines
    that still read from them: ValueError from the pure Python parser.
    """
    pool = redis.ConnectionPool.from_url(
        settings.REDIS_URL,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 1),
    )
    return redis.Redis(connection_pool=pool)


def count_in_pipeline(
    group: str, rate: str, caller: str, keys: Sequence[str] = ()
) -> tuple[Usage | None, list[bytes | None]]:
    """Count one request and read `keys` in one round trip to Redis, for the hot path.

    Return the usage (None without a limit or a cache) and the values of `keys` in
    order (None where a key or the cache is missing). Pass the usage to `enforce_limit`.
    """
    parsed_rate = parse_rate(rate)
    no_values: list[bytes | None] = [None] * len(keys)
    if _breaker.is_paused() or (parsed_rate is None and not keys):
        return None, no_values
    now = int(time.time())
    pipeline = get_redis_client().pipeline(transaction=False)
    counter_key, end = "", now
    if keys:  # MGET also answers where others wrote a list or a set; GET would fail
        pipeline.mget(keys)
    if parsed_rate is not None:
        end = compute_window_end(caller, parsed_rate.seconds, now)
        counter_key = build_counter_key(group, parsed_rate, caller, end)
        seconds = end - now + GRACE_SECONDS
        cache_counters.queue_increment(pipeline, counter_key, 1, seconds)
    try:
        replies = pipeline.execute()
    except CACHE_ERRORS as error:
        _breaker.pause(error)
        return None, no_values
    values = replies[0] if keys else []
    if parsed_rate is None:
        return None, values
    count = cache_counters.read_total(counter_key, replies[-1])
    return Usage(parsed_rate, count, end - now), values


def build_counter_key(group: str, rate: Rate, caller: str, ends_at: int) -> str:
    """Return the cache key that counts a caller's requests in one window."""
    return f"rl:{group}:{rate.limit}/{rate.seconds}:{caller}:{ends_at}"


def compute_window_end(caller: str, seconds: int, now: int) -> int:
    """Return the end of the current window of `caller`, in Unix seconds.

    Each caller's windows start at another second, so that counters do not expire all at
    once.
    """
    phase = zlib.crc32(caller.encode()) % seconds
    return now + seconds - (now - phase) % seconds

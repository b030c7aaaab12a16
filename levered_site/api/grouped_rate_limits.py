"""Rate limits in the event loop: the requests that wait together are counted at once.

The counters are those of `rate_limits`, so both count together.
"""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from levered_site.api import async_redis, cache_counters, rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.api.rate_limits import Rate, Usage

log = structlog.get_logger(__name__)

# The least time between two round trips. On a busy service they would follow each other
# with two or three requests in each, which costs more than the requests themselves.
SPACING_SECONDS = 0.002


@dataclass(slots=True)
class _Group:
    """Requests of one caller in one window, to be counted by one command."""

    rate: Rate
    ends_at: int
    futures: "list[asyncio.Future[int | None]]" = field(default_factory=list)

    def deliver_counts(self, total: int | None) -> None:
        """Give each request its place in the total; None where nothing was counted."""
        before = None if total is None else total - len(self.futures)
        for place, future in enumerate(self.futures, start=1):
            if not future.done():
                future.set_result(None if before is None else before + place)


class GroupedCounter:
    """Counts requests; while one round trip is under way, the next ones gather.

    A request that comes alone is counted at once.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._task: asyncio.Task[None] | None = None
        self._sent_at = 0.0  # the loop's time

    async def count_request(self, group: str, rate: str, caller: str) -> Usage | None:
        """Count one request of `caller`; None without a limit or without the cache.

        Every request gets a count of its own, as if it had been counted alone.
        """
        parsed_rate = rate_limits.parse_rate(rate)
        if parsed_rate is None or rate_limits.is_cache_paused():
            return None
        now = int(time.time())
        ends_at = rate_limits.compute_window_end(caller, parsed_rate.seconds, now)
        key = rate_limits.build_counter_key(group, parsed_rate, caller, ends_at)
        waiting = self._groups.get(key)
        if waiting is None:
            waiting = self._groups[key] = _Group(parsed_rate, ends_at)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int | None] = loop.create_future()
        waiting.futures.append(future)
        if self._task is None:
            self._task = loop.create_task(self._send_groups())
        count = await future
        return None if count is None else Usage(parsed_rate, count, ends_at - now)

    async def _send_groups(self) -> None:
        loop = asyncio.get_running_loop()
        while self._groups:
            if (pause := self._sent_at + SPACING_SECONDS - loop.time()) > 0:
                await asyncio.sleep(pause)
            self._sent_at = loop.time()
            groups, self._groups = self._groups, {}
            totals: list[int | None] = [None] * len(groups)
            try:
                totals = await _increment_counters(groups)
            except Exception:
                log.exception("ratelimit.uncounted")
            for group, total in zip(groups.values(), totals, strict=True):
                group.deliver_counts(total)
        self._task = None


async def _increment_counters(groups: dict[str, _Group]) -> list[int | None]:
    """Return the new total of every group's counter; None for all without the cache."""
    now = int(time.time())
    pipeline = async_redis.get_client().pipeline(transaction=False)
    for key, group in groups.items():
        seconds = group.ends_at - now + rate_limits.GRACE_SECONDS
        cache_counters.queue_increment(pipeline, key, len(group.futures), seconds)
    try:
        replies = await pipeline.execute()
    except CACHE_ERRORS as error:
        rate_limits.pause_cache(error)
        return [None] * len(groups)
    return [
        cache_counters.read_total(key, reply)
        for key, reply in zip(groups, replies, strict=True)
    ]

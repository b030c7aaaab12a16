"""Rate limits in the event loop: what comes in a moment is counted by one command.

The counters are those of `rate_limits`, so both count together. Far below its limit a
caller's request is counted behind its back; `caller_windows` says which one.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog

from levered_site.api import async_redis, cache_counters, rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.api.caller_windows import CallerWindow, CallerWindows, Group
from levered_site.api.rate_limits import Usage

log = structlog.get_logger(__name__)

# The least time between two round trips. On a busy service they would follow each other
# with two or three requests in each, which costs more than the requests themselves.
SPACING_SECONDS = 0.002
# The same where nobody waits: totals grow older, and fewer round trips are needed.
UNAWAITED_SPACING_SECONDS = 0.02


class GroupedCounter:
    """Counts requests; while one round trip is under way, the next ones gather.

    A request that waits is sent at once if the last round trip is long enough ago.
    """

    def __init__(self) -> None:
        self._windows = CallerWindows()
        self._groups: list[Group] = []
        self._sending: asyncio.Task[None] | None = None
        self._sent_at = 0.0  # the loop's time, as the next one
        self._due_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def count_request(self, group: str, rate: str, caller: str) -> Usage | None:
        """Count one request of `caller`; None without a limit or without the cache.

        Every request gets a count of its own, as if it had been counted alone. One that
        does not wait may lack what other processes counted in the last moment.
        """
        parsed_rate = rate_limits.parse_rate(rate)
        if parsed_rate is None or rate_limits.is_cache_paused():
            return None
        now = int(time.time())
        window = self._windows.find((group, rate, caller), parsed_rate, now)
        loop = asyncio.get_running_loop()
        count: int | None
        if window.passes_at_once(loop.time()):
            self._add_request(window)
            count = window.count
            self._schedule(UNAWAITED_SPACING_SECONDS)
        else:
            unsent = self._add_request(window)
            future: asyncio.Future[int | None] = loop.create_future()
            unsent.waiters.append((unsent.size, future))
            self._schedule(SPACING_SECONDS)
            count = await future
        return (
            None if count is None else Usage(parsed_rate, count, window.ends_at - now)
        )

    async def drain(self) -> None:
        """Send what is not yet counted, for a process that stops."""
        while self._groups or self._sending:
            await asyncio.wait([self._sending or self._send_groups()])

    def _add_request(self, window: CallerWindow) -> Group:
        if window.unsent is None:
            window.unsent = Group(window)
            self._groups.append(window.unsent)
        window.unsent.size += 1
        window.count += 1
        return window.unsent

    def _schedule(self, spacing: float) -> None:
        """Send so long after the last round trip; not later than was planned."""
        if self._sending is not None:
            return
        due_at = self._sent_at + spacing
        if self._timer is not None:
            if self._due_at <= due_at:
                return
            self._timer.cancel()
        self._due_at = due_at
        self._timer = asyncio.get_running_loop().call_at(due_at, self._send_groups)

    def _send_groups(self) -> "asyncio.Task[None]":
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        groups, self._groups = self._groups, []
        for group in groups:
            group.window.unsent = None
        loop = asyncio.get_running_loop()
        self._sent_at = loop.time()
        self._sending = loop.create_task(self._count_groups(groups))
        return self._sending

    async def _count_groups(self, groups: Sequence[Group]) -> None:
        totals: list[int | None] = [None] * len(groups)
        try:
            totals = await _increment_counters(groups)
        except Exception:
            log.exception("ratelimit.uncounted")
        finally:
            self._sending = None
        for group, total in zip(groups, totals, strict=True):
            group.window.note_total(total, self._sent_at)
            group.deliver_counts(total)
        if self._groups:
            is_awaited = any(group.waiters for group in self._groups)
            self._schedule(SPACING_SECONDS if is_awaited else UNAWAITED_SPACING_SECONDS)


async def _increment_counters(groups: Sequence[Group]) -> list[int | None]:
    """Return the new total of every group's counter; None for all without the cache."""
    now = int(time.time())
    pipeline = async_redis.get_client().pipeline(transaction=False)
    keys = [group.window.key for group in groups]
    for key, group in zip(keys, groups, strict=True):
        seconds = group.window.ends_at - now + rate_limits.GRACE_SECONDS
        cache_counters.queue_increment(pipeline, key, group.size, seconds)
    try:
        replies = await pipeline.execute()
    except CACHE_ERRORS as error:
        rate_limits.pause_cache(error)
        return [None] * len(groups)
    return [
        cache_counters.read_total(key, reply)
        for key, reply in zip(keys, replies, strict=True)
    ]

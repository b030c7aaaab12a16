"""Group what waits in an event loop into batches: the next one leaves with all of it."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from levered_site.errors import LeveredError, UnavailableError
from optimizations.serving import database_timeout

Item = TypeVar("Item")
Result = TypeVar("Result")
Key = tuple[str, str]  # the optimization and the user

log = structlog.get_logger(__name__)

MAX_BATCH_SIZE = 400
BATCHES_IN_FLIGHT = 2
# Larger batches cost less. From so many clients on, the next batch waits until most of
# them have come again: they send their next requests one after the other.
BUSY_CLIENTS = 8
RETURNING_SHARE = 0.9
GATHERING_SECONDS = 0.002
# When a second batch may join the one in flight: one that is held up by a lock delays
# nobody for long. Until then the next batch grows instead.
SECOND_BATCH_SECONDS = 0.01
# A queue that takes longer than the wait to work off: more would wait in vain.
MAX_QUEUE_LENGTH = 5_000
MAX_WAIT_SECONDS = database_timeout.MAX_WAIT_SECONDS
SWEEP_SECONDS = 0.1
STORE_BUSY_MESSAGE = "The decision could not be stored in time; try again."


@dataclass(slots=True)
class _Waiter(Generic[Result]):
    """A request that waits for the result until `deadline` (the loop's time)."""

    future: "asyncio.Future[tuple[Result, bool]]"
    deadline: float


@dataclass(slots=True)
class _Entry(Generic[Item, Result]):
    """One item, and everybody who waits for its result."""

    key: Key
    item: Item
    waiters: list[_Waiter[Result]] = field(default_factory=list)

    def has_waiter(self) -> bool:
        return any(not waiter.future.done() for waiter in self.waiters)


class BatchRunner(Generic[Item, Result]):
    """Run items in batches in one event loop.

    A batch takes what came during the one before it. Only under load it waits to be
    filled, for GATHERING_SECONDS. A second one starts beside it only if it is slow. Items
    with the same key share the result of the first. Nobody waits longer than
    MAX_WAIT_SECONDS, unless a longer wait was asked for. While a batch takes longer than
    MAX_WAIT_SECONDS, and while the queue is full, new items are refused at once. What
    nobody waits for any more is not run.

    `run_batch` gets the items sorted by key and returns their results in that order.
    """

    def __init__(
        self, run_batch: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]
    ) -> None:
        self._run_batch = run_batch
        self._queue: list[_Entry[Item, Result]] = []
        self._entries: dict[Key, _Entry[Item, Result]] = {}
        self._started_at: dict[asyncio.Task[None], float] = {}
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._wanted_size = 0
        self._is_sweeping = False
        self._latest_size = 0

    def submit(
        self, key: Key, item: Item, wait_seconds: float | None = None
    ) -> "asyncio.Future[tuple[Result, bool]]":
        """Queue an item; the future holds its result, and whether it was shared.

        A result is shared when an earlier item of the same key brought it. The future
        fails after `wait_seconds`, by default MAX_WAIT_SECONDS.

        Raises UnavailableError while a batch is overdue or the queue is full.
        """
        loop = asyncio.get_running_loop()
        self._refuse_overload(loop.time())
        future: asyncio.Future[tuple[Result, bool]] = loop.create_future()
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(key, item)
            self._queue.append(entry)
            self._schedule()
        seconds = MAX_WAIT_SECONDS if wait_seconds is None else wait_seconds
        entry.waiters.append(_Waiter(future, loop.time() + seconds))
        if not self._is_sweeping:
            self._is_sweeping = True
            loop.call_later(SWEEP_SECONDS, self._sweep_overdue)
        return future

    async def drain(self) -> None:
        """Wait until every queued item has its result."""
        while self._entries:
            if self._started_at:
                await asyncio.wait(self._started_at)
            else:
                await asyncio.sleep(0)

    def _refuse_overload(self, now: float) -> None:
        oldest = min(self._started_at.values(), default=now)
        if now - oldest > MAX_WAIT_SECONDS or len(self._queue) >= MAX_QUEUE_LENGTH:
            raise UnavailableError(STORE_BUSY_MESSAGE, retry_after=1)

    def _schedule(self) -> None:
        """Start what waits, now or when it is time."""
        if self._is_scheduled or not self._queue:
            return
        loop = asyncio.get_running_loop()
        seconds = self._get_delay(loop.time())
        if seconds <= 0:
            self._is_scheduled = True
            loop.call_soon(self._start_batches)
        elif self._timer is None and seconds < math.inf:
            self._timer = loop.call_later(seconds, self._start_batches)

    def _get_delay(self, now: float) -> float:
        """Return the seconds until a batch may start, infinite while too many run."""
        if len(self._started_at) >= BATCHES_IN_FLIGHT:
            return math.inf
        if self._started_at:
            return max(self._started_at.values()) + SECOND_BATCH_SECONDS - now
        return 0.0 if len(self._queue) >= self._wanted_size else GATHERING_SECONDS

    def _start_batches(self) -> None:
        self._is_scheduled = False
        self._stop_timer()
        self._wanted_size = 0  # nobody waits for company twice
        loop = asyncio.get_running_loop()
        while self._queue and self._get_delay(loop.time()) <= 0:
            batch = self._take_batch()
            if not batch:
                continue
            self._latest_size = len(batch)
            task = loop.create_task(self._settle_batch(batch))
            self._started_at[task] = loop.time()
            task.add_done_callback(self._finish_batch)
        self._schedule()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_batch(self) -> list[_Entry[Item, Result]]:
        """Take the oldest entries, and drop those that nobody waits for any more."""
        oldest = self._queue[:MAX_BATCH_SIZE]
        del self._queue[:MAX_BATCH_SIZE]
        batch = [entry for entry in oldest if entry.has_waiter()]
        if len(batch) < len(oldest):
            for entry in oldest:
                if not entry.has_waiter():
                    del self._entries[entry.key]
        batch.sort(key=lambda entry: entry.key)
        return batch

    def _finish_batch(self, task: "asyncio.Task[None]") -> None:
        del self._started_at[task]
        self._stop_timer()
        clients = self._latest_size + len(self._queue)
        is_busy = clients >= BUSY_CLIENTS
        wanted = min(int(clients * RETURNING_SHARE), MAX_BATCH_SIZE)
        self._wanted_size = wanted if is_busy else 0
        self._schedule()

    async def _settle_batch(self, batch: list[_Entry[Item, Result]]) -> None:
        try:
            results = await self._run_batch([entry.item for entry in batch])
        except Exception as error:
            if not isinstance(error, LeveredError):
                log.exception("batch.failed")
            for entry in batch:
                self._deliver_error(entry, error)
            return
        for entry, result in zip(batch, results, strict=True):
            del self._entries[entry.key]
            for index, waiter in enumerate(entry.waiters):
                if not waiter.future.done():
                    waiter.future.set_result((result, index > 0))

    def _deliver_error(self, entry: _Entry[Item, Result], error: Exception) -> None:
        """Fail who waits; a client may read the message of a LeveredError only."""
        del self._entries[entry.key]
        is_readable = isinstance(error, LeveredError)
        for waiter in entry.waiters:
            if not waiter.future.done():
                waiter.future.set_exception(
                    error if is_readable else RuntimeError("the batch failed")
                )

    def _sweep_overdue(self) -> None:
        """Fail who has waited too long; a batch that has begun goes on."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for entry in self._entries.values():
            for waiter in entry.waiters:
                if waiter.deadline <= now and not waiter.future.done():
                    waiter.future.set_exception(
                        UnavailableError(STORE_BUSY_MESSAGE, retry_after=1)
                    )
        self._is_sweeping = bool(self._entries)
        if self._is_sweeping:
            loop.call_later(SWEEP_SECONDS, self._sweep_overdue)

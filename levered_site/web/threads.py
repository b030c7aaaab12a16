"""Threads that run blocking calls for an event loop.

The event loop keeps the idle threads on a stack. The thread that ended last works next,
so that few threads, and few database connections, serve a quiet service.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from levered_site.errors import UnavailableError

Result = TypeVar("Result")


CallQueue: TypeAlias = SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]]


class ThreadStack:
    """At most `size` threads. A call waits at most `wait_seconds` for one of them."""

    def __init__(self, size: int, wait_seconds: float, max_waiting: int) -> None:
        self._size = size
        self._wait_seconds = wait_seconds
        self._max_waiting = max_waiting
        self._started_count = 0
        self._idle: list[CallQueue] = []
        self._waiting: deque[asyncio.Future[CallQueue]] = deque()

    async def run(self, function: Callable[[], Result]) -> Result:
        """Run a function in a thread and return its result.

        The function runs to its end even if the caller is cancelled.

        Raises:
            UnavailableError: no thread became free in time.
        """
        loop = asyncio.get_running_loop()
        queue = self._idle.pop() if self._idle else await self._get_queue(loop)
        future: asyncio.Future[Result] = loop.create_future()
        queue.put((function, future))
        return await future

    async def _get_queue(self, loop: asyncio.AbstractEventLoop) -> CallQueue:
        if self._started_count < self._size:
            return self._start_thread(loop)
        if len(self._waiting) >= self._max_waiting:
            raise _build_overload_error()
        waiter: asyncio.Future[CallQueue] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(self._wait_seconds, self._give_up, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # a thread became free at the same moment
                self._release_queue(waiter.result())
            raise
        finally:
            timer.cancel()

    def _give_up(self, waiter: asyncio.Future[CallQueue]) -> None:
        if not waiter.done():
            self._waiting.remove(waiter)
            waiter.set_exception(_build_overload_error())

    def _start_thread(self, loop: asyncio.AbstractEventLoop) -> CallQueue:
        self._started_count += 1
        queue: CallQueue = SimpleQueue()
        thread = threading.Thread(
            target=self._run_calls,
            args=(loop, queue),
            name=f"web-{self._started_count}",
            daemon=True,
        )
        thread.start()
        return queue

    def _run_calls(self, loop: asyncio.AbstractEventLoop, queue: CallQueue) -> None:
        """Run the calls of one thread until the event loop is closed."""
        while True:
            function, future = queue.get()
            result, error = _call(function)
            try:
                loop.call_soon_threadsafe(
                    self._finish_call, queue, future, result, error
                )
            except RuntimeError:  # the event loop is closed
                return
            # A thread that waits for its next call must not keep a body in memory.
            del function, future, result, error

    def _finish_call(
        self,
        queue: CallQueue,
        future: asyncio.Future[Any],
        result: object,
        error: BaseException | None,
    ) -> None:
        self._release_queue(queue)
        if future.done():  # the caller was cancelled
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def _release_queue(self, queue: CallQueue) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(queue)
                return
        self._idle.append(queue)


def _call(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return the result of a function, or the exception that it raised."""
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - the caller raises it
        return None, error


def _build_overload_error() -> UnavailableError:
    return UnavailableError(
        "Too many requests are running; try again in 1 s.", retry_after=1
    )

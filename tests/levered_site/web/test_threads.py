"""ThreadStack: results, errors, few threads, waiting and cancelled calls."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from levered_site.errors import UnavailableError
from levered_site.web.threads import ThreadStack

Body = Callable[[ThreadStack], Coroutine[Any, Any, None]]


def run(body: Body, *, size: int = 2, wait: float = 30, waiting: int = 10) -> None:
    """Run a coroutine function with a stack of its own."""
    asyncio.run(body(ThreadStack(size, wait, waiting)))


def test_a_call_returns_its_result_or_raises_its_error() -> None:
    async def body(threads: ThreadStack) -> None:
        assert await threads.run(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)

    run(body)


def test_calls_one_after_the_other_use_the_same_thread() -> None:
    async def body(threads: ThreadStack) -> None:
        names = {await threads.run(threading.get_ident) for _ in range(20)}
        assert len(names) == 1

    run(body, size=8)


def test_calls_side_by_side_use_at_most_as_many_threads_as_allowed() -> None:
    async def body(threads: ThreadStack) -> None:
        def work() -> int:
            time.sleep(0.01)
            return threading.get_ident()

        idents = await asyncio.gather(*(threads.run(work) for _ in range(8)))
        assert len(set(idents)) == 2

    run(body)


def test_a_call_that_finds_no_thread_in_time_is_refused() -> None:
    async def body(threads: ThreadStack) -> None:
        over = threading.Event()
        running = asyncio.create_task(threads.run(over.wait))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as caught:
            await threads.run(lambda: 7)
        over.set()

        assert caught.value.retry_after == 1
        assert await running
        assert await threads.run(lambda: 7) == 7

    run(body, size=1, wait=0.05)


def test_a_call_behind_too_many_others_is_refused_at_once() -> None:
    async def body(threads: ThreadStack) -> None:
        over = threading.Event()
        tasks = [asyncio.create_task(threads.run(over.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await threads.run(lambda: 7)
        over.set()
        await asyncio.gather(*tasks)

    run(body, size=1, waiting=1)


def test_a_cancelled_call_runs_to_its_end_and_its_thread_is_free_again() -> None:
    async def body(threads: ThreadStack) -> None:
        ended = []
        begin = threading.Event()

        def work() -> None:
            begin.wait()
            ended.append(1)

        task = asyncio.create_task(threads.run(work))
        waiting = asyncio.create_task(threads.run(lambda: None))
        await asyncio.sleep(0)
        task.cancel()
        waiting.cancel()
        begin.set()
        await asyncio.gather(task, waiting, return_exceptions=True)

        assert await threads.run(lambda: 7) == 7
        assert ended == [1]

    run(body, size=1)

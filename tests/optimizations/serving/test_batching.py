"""Batches in the event loop: shared results, errors, deadlines and overload."""

import asyncio
from collections.abc import Sequence

import pytest

from levered_site.errors import UnavailableError
from optimizations.serving import batching
from optimizations.serving.batching import BatchRunner, Key


def _key(name: str) -> Key:
    return "optimization", name


class _Store:
    """Doubles numbers, and keeps the batches that it got; it may be made to wait."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.runner = BatchRunner(self._run)

    async def _run(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if 13 in items:
            raise ValueError("unlucky")
        return [2 * item for item in items]


def test_what_is_submitted_together_is_one_batch_sorted_by_key() -> None:
    async def run() -> None:
        store = _Store()
        futures = [store.runner.submit(_key(f"u{n}"), n) for n in (3, 1, 2)]

        assert await asyncio.gather(*futures) == [(6, False), (2, False), (4, False)]
        assert store.batches == [[1, 2, 3]]

    asyncio.run(run())


def test_the_same_key_shares_one_item_also_while_it_runs() -> None:
    async def run() -> None:
        store = _Store()
        store.gate.clear()
        first = store.runner.submit(_key("u"), 1)
        second = store.runner.submit(_key("u"), 2)
        await asyncio.sleep(0.01)
        third = store.runner.submit(_key("u"), 3)
        store.gate.set()

        results = list(await asyncio.gather(first, second, third))
        assert results == [(2, False), (2, True), (2, True)]
        assert store.batches == [[1]]

    asyncio.run(run())


def test_a_second_batch_joins_a_slow_one_and_the_next_takes_all_that_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "SECOND_BATCH_SECONDS", 0.2)

    async def run() -> None:
        store = _Store()
        store.gate.clear()
        futures = [store.runner.submit(_key("u0"), 0)]
        await asyncio.sleep(0.05)
        futures.append(store.runner.submit(_key("u1"), 1))
        await asyncio.sleep(0.05)
        assert store.batches == [[0]]
        await asyncio.sleep(0.4)
        assert store.batches == [[0], [1]]
        for number in (2, 3, 4):
            futures.append(store.runner.submit(_key(f"u{number}"), number))
            await asyncio.sleep(0.01)
        store.gate.set()

        await asyncio.gather(*futures)
        assert store.batches == [[0], [1], [2, 3, 4]]

    asyncio.run(run())


def test_under_load_a_batch_waits_for_most_of_those_who_were_there_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "GATHERING_SECONDS", 60.0)

    async def run() -> None:
        store = _Store()

        def submit(*numbers: int) -> list[asyncio.Future[tuple[int, bool]]]:
            return [store.runner.submit(_key(f"u{n:02}"), n) for n in numbers]

        await asyncio.gather(*submit(*range(20, 30)))
        returning = submit(*range(40, 48))
        await asyncio.sleep(0.05)
        assert len(store.batches) == 1
        returning += submit(48)
        await asyncio.wait_for(asyncio.gather(*returning), 5)

        assert store.batches[1:] == [list(range(40, 49))]

    asyncio.run(run())


def test_who_comes_beside_a_slow_batch_does_not_wait_for_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "SWEEP_SECONDS", 60.0)

    async def run() -> None:
        store = _Store()
        store.gate.clear()
        futures = [store.runner.submit(_key("slow"), 1)]
        await asyncio.sleep(0.001)
        futures.append(store.runner.submit(_key("beside"), 2))
        await asyncio.sleep(0.2)
        assert store.batches == [[1], [2]]
        store.gate.set()
        await asyncio.gather(*futures)

    asyncio.run(run())


def test_a_full_batch_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHERING_SECONDS", 60.0)
    monkeypatch.setattr(batching, "SECOND_BATCH_SECONDS", 60.0)
    monkeypatch.setattr(batching, "MAX_BATCH_SIZE", 20)

    async def run() -> None:
        store = _Store()
        futures = [store.runner.submit(_key(f"u{n:02}"), n) for n in range(20, 80)]
        await asyncio.wait_for(asyncio.gather(*futures), 5)

        assert [len(batch) for batch in store.batches] == [20, 20, 20]

    asyncio.run(run())


def test_who_comes_alone_after_a_busy_time_waits_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "GATHERING_SECONDS", 0.1)

    async def run() -> None:
        store = _Store()
        await asyncio.gather(*(store.runner.submit(_key(f"u{n}"), n) for n in range(9)))
        await asyncio.wait_for(store.runner.submit(_key("alone"), 20), 5)

        monkeypatch.setattr(batching, "GATHERING_SECONDS", 60.0)
        await asyncio.wait_for(store.runner.submit(_key("again"), 21), 5)

    asyncio.run(run())


def test_an_error_reaches_everybody_of_its_batch_and_nobody_else() -> None:
    async def run() -> None:
        store = _Store()
        unlucky = [store.runner.submit(_key(f"u{n}"), n) for n in (13, 14)]
        results = await asyncio.gather(*unlucky, return_exceptions=True)
        later = await store.runner.submit(_key("u13"), 15)

        assert [type(result) for result in results] == [RuntimeError, RuntimeError]
        assert later == (30, False)

    asyncio.run(run())


def test_a_batch_that_hangs_is_a_503_in_time_and_refuses_others_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 0.2)

    async def run() -> None:
        store = _Store()
        store.gate.clear()
        hanging = store.runner.submit(_key("u1"), 1)
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(hanging, 5)
        await asyncio.sleep(0.1)
        with pytest.raises(UnavailableError):
            store.runner.submit(_key("u2"), 2)
        store.gate.set()
        await store.runner.drain()

        assert await store.runner.submit(_key("u1"), 4) == (8, False)

    asyncio.run(run())


def test_what_nobody_waits_for_any_more_is_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 0.2)

    async def run() -> None:
        store = _Store()
        store.gate.clear()
        futures = []
        for number in range(4):
            futures.append(store.runner.submit(_key(f"u{number}"), number))
            await asyncio.sleep(0.01)
        await asyncio.wait(futures)
        store.gate.set()
        await store.runner.drain()

        assert all(isinstance(f.exception(), UnavailableError) for f in futures)
        assert store.batches == [[0], [1]]

    asyncio.run(run())


def test_a_full_queue_refuses_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_QUEUE_LENGTH", 3)

    async def run() -> None:
        store = _Store()
        futures = [store.runner.submit(_key(f"u{n}"), n) for n in range(3)]
        with pytest.raises(UnavailableError):
            store.runner.submit(_key("u4"), 4)

        await asyncio.gather(*futures)

    asyncio.run(run())


def test_no_batch_is_larger_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_BATCH_SIZE", 2)

    async def run() -> None:
        store = _Store()
        futures = [store.runner.submit(_key(f"u{n}"), n) for n in range(5)]

        await asyncio.gather(*futures)
        assert store.batches == [[0, 1], [2, 3], [4]]

    asyncio.run(run())

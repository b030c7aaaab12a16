"""Far below its limit a caller's request does not wait for its count; else it does."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from levered_site.api import caller_windows, grouped_rate_limits
from levered_site.api.caller_windows import MIN_RESERVE, UNSEEN_DIVISOR
from levered_site.api.grouped_rate_limits import GroupedCounter
from tests.support.grouped_counts import Counted, count_one, count_together, run

pytestmark = pytest.mark.usefixtures("_young_totals")

CALLER = "192.0.2.1"


async def _count_elsewhere(rate: str, times: int) -> None:
    """Count as another process does."""
    await count_together(GroupedCounter(), rate, CALLER, times)


def _list_waits(counted: list[Counted]) -> list[bool]:
    return [one.waited for one in counted]


def _list_counts(counted: list[Counted]) -> list[int | None]:
    return [one.count for one in counted]


def test_only_the_first_request_of_a_window_waits(counter: GroupedCounter) -> None:
    async def count() -> list[Counted]:
        return [await count_one(counter, "1000/m", CALLER) for _ in range(20)]

    counted = run(count())

    assert _list_waits(counted) == [True] + [False] * 19
    assert _list_counts(counted) == list(range(1, 21))


def test_a_total_that_arrives_does_not_take_back_what_was_counted_since(
    counter: GroupedCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped_rate_limits, "UNAWAITED_SPACING_SECONDS", 0.0)

    async def count() -> list[Counted]:
        return [await count_one(counter, "90000/m", CALLER) for _ in range(2000)]

    assert _list_counts(run(count())) == list(range(1, 2001))


def test_a_new_window_starts_with_a_request_that_waits(
    counter: GroupedCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()

    async def count() -> list[Counted]:
        counted = [await count_one(counter, "1000/m", CALLER) for _ in range(3)]
        clock = SimpleNamespace(time=lambda: now + 60)
        monkeypatch.setattr(grouped_rate_limits, "time", clock)
        return counted + [await count_one(counter, "1000/m", CALLER) for _ in range(2)]

    counted = run(count())

    assert _list_waits(counted) == [True, False, False, True, False]
    assert _list_counts(counted) == [1, 2, 3, 1, 2]


def test_a_request_waits_when_the_total_is_old(
    counter: GroupedCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_windows, "MAX_TOTAL_AGE_SECONDS", 0.02)

    async def count() -> list[Counted]:
        first = await count_one(counter, "1000/m", CALLER)
        await asyncio.sleep(0.05)
        return [first, await count_one(counter, "1000/m", CALLER)]

    assert _list_waits(run(count())) == [True, True]


@pytest.mark.parametrize("rate", ["5/m", "100/m"])
def test_every_request_of_a_small_limit_waits(
    counter: GroupedCounter, rate: str
) -> None:
    async def count() -> list[Counted]:
        return [await count_one(counter, rate, CALLER) for _ in range(3)]

    assert _list_waits(run(count())) == [True] * 3


@pytest.mark.parametrize(
    ("limit", "reserve"), [(300, MIN_RESERVE), (1000, 100), (5000, 500)]
)
def test_the_last_requests_of_a_window_wait(
    counter: GroupedCounter, limit: int, reserve: int
) -> None:
    rate = f"{limit}/m"

    async def count() -> list[Counted]:
        await _count_elsewhere(rate, limit - reserve - 3)
        return [await count_one(counter, rate, CALLER) for _ in range(4)]

    counted = run(count())

    assert _list_waits(counted) == [True, False, False, True]
    assert counted[-1].count == limit - reserve + 1


def test_a_request_waits_when_a_twentieth_of_what_is_left_is_not_yet_counted(
    counter: GroupedCounter,
) -> None:
    async def count() -> list[Counted]:
        await count_one(counter, "2001/m", CALLER)
        return await count_together(counter, "2001/m", CALLER, 150)

    counted = run(count())

    assert _list_waits(counted) == [False] * 100 + [True] * 50
    assert _list_counts(counted) == list(range(2, 152))


def test_one_process_alone_gives_every_number_once_and_keeps_the_limit(
    counter: GroupedCounter,
) -> None:
    async def send(times: int) -> list[Counted]:
        return [await count_one(counter, "3000/m", CALLER) for _ in range(times)]

    async def count() -> list[Counted]:
        per_client = await asyncio.gather(*(send(50) for _ in range(64)))
        return [one for counted in per_client for one in counted]

    counted = run(count())

    assert sorted(one.usage.count for one in counted if one.usage) == list(
        range(1, 3201)
    )
    assert sum(not one.usage.is_exceeded for one in counted if one.usage) == 3000
    assert 1000 < sum(not one.waited for one in counted) <= 2700


def test_processes_that_missed_the_end_let_a_twentieth_of_the_limit_pass_each(
    counters: list[GroupedCounter],
) -> None:
    """The worst case: others use up the window between two totals."""
    twentieth = (2000 - len(counters)) // UNSEEN_DIVISOR

    async def count() -> list[list[Counted]]:
        for counter in counters:
            await count_one(counter, "2000/m", CALLER)
        await _count_elsewhere("2000/m", 2000 - len(counters))
        together = (count_together(one, "2000/m", CALLER, 200) for one in counters)
        return await asyncio.gather(*together)

    for counted in run(count()):
        at_once, later = counted[:twentieth], counted[twentieth:]
        assert not any(one.waited for one in at_once)
        assert all(one.waited for one in later)
        assert all(one.usage and one.usage.is_exceeded for one in later)


def test_several_processes_keep_the_limit_of_a_caller_that_comes_steadily(
    counters: list[GroupedCounter],
) -> None:
    async def count() -> list[Counted]:
        await _count_elsewhere("1000/m", 700)
        counted = []
        for _ in range(50):
            requests = (count_one(one, "1000/m", CALLER) for one in counters * 2)
            counted += await asyncio.gather(*requests)
            await asyncio.sleep(0.01)
        return counted

    counted = run(count())

    assert sum(not one.usage.is_exceeded for one in counted if one.usage) == 300
    assert sum(not one.waited for one in counted) > 100


def test_several_processes_pass_little_above_the_limit_of_a_burst(
    counters: list[GroupedCounter],
) -> None:
    async def send(counter: GroupedCounter) -> list[Counted]:
        return [await count_one(counter, "2000/m", CALLER) for _ in range(10)]

    async def count() -> list[Counted]:
        clients = [send(counter) for counter in counters for _ in range(70)]
        per_client = await asyncio.gather(*clients)
        return [one for counted in per_client for one in counted]

    counted = run(count())

    passed = sum(not one.usage.is_exceeded for one in counted if one.usage)
    assert len(counted) == 2800
    assert 2000 <= passed <= 2000 + 4 * 2000 // UNSEEN_DIVISOR


def test_the_number_of_windows_in_memory_is_bounded(
    counter: GroupedCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_windows, "MAX_WINDOWS", 10)
    callers = [f"192.0.2.{n}" for n in range(40)]

    async def count() -> list[Counted]:
        requests = (count_one(counter, "1000/m", caller) for caller in callers * 3)
        return await asyncio.gather(*requests)

    counted = run(count())
    again = run(count())

    assert len(counter._windows) <= 10
    for number, caller in enumerate(callers):
        mine = [*counted[number::40], *again[number::40]]
        assert _list_counts(mine) == list(range(1, 7)), caller

"""Grouped counting is exact, counts with the others, and lets all pass without a cache."""

import asyncio

import pytest

from levered_site.api import grouped_rate_limits, rate_limits
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.api.rate_limits import Usage
from optimizations.serving import event_loop


def _count(counter: GroupedCounter, caller: str, times: int) -> list[Usage | None]:
    async def count_all() -> list[Usage | None]:
        requests = (counter.count_request("test", "5/m", caller) for _ in range(times))
        return await asyncio.gather(*requests)

    return event_loop.run_in_loop(count_all())


def test_requests_that_are_counted_together_get_a_number_each() -> None:
    counter = GroupedCounter()

    usages = _count(counter, "1.2.3.4", 8)
    others = _count(counter, "5.6.7.8", 1)

    assert [usage.count for usage in usages if usage] == list(range(1, 9))
    assert [usage.is_exceeded for usage in usages if usage] == [False] * 5 + [True] * 3
    assert [usage.count for usage in others if usage] == [1]


def test_requests_outside_the_loop_count_together_with_those_in_it() -> None:
    counter = GroupedCounter()

    _count(counter, "1.2.3.4", 3)
    usage, _ = rate_limits.count_in_pipeline("test", "5/m", "1.2.3.4")
    again = _count(counter, "1.2.3.4", 1)[0]

    assert usage is not None
    assert again is not None
    assert (usage.count, again.count) == (4, 5)
    assert usage.build_headers().keys() == again.build_headers().keys()


def test_requests_that_follow_closely_share_a_round_trip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouped_rate_limits, "SPACING_SECONDS", 0.5)
    counter = GroupedCounter()
    group_sizes = []
    increment = grouped_rate_limits._increment_counters

    async def watch(groups: dict[str, grouped_rate_limits._Group]) -> list[int | None]:
        group_sizes.append([len(group.futures) for group in groups.values()])
        return await increment(groups)

    monkeypatch.setattr(grouped_rate_limits, "_increment_counters", watch)

    async def count_one_after_another() -> list[Usage | None]:
        tasks = []
        for _ in range(5):
            request = counter.count_request("test", "9/m", "1.2.3.4")
            tasks.append(asyncio.ensure_future(request))
            await asyncio.sleep(0.01)
        return await asyncio.gather(*tasks)

    usages = event_loop.run_in_loop(count_one_after_another())

    assert [usage.count for usage in usages if usage] == [1, 2, 3, 4, 5]
    assert group_sizes == [[1], [4]]


def test_no_limit_counts_nothing() -> None:
    counter = GroupedCounter()

    async def count() -> Usage | None:
        return await counter.count_request("test", "0", "1.2.3.4")

    assert event_loop.run_in_loop(count()) is None

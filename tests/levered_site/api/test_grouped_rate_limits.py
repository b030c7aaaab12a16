"""Grouped counting is exact, counts with the others, and loses no count."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence

import pytest

from levered_site.api import grouped_rate_limits, rate_limits
from levered_site.api.caller_windows import Group
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.api.rate_limits import Usage
from optimizations.serving import event_loop
from tests.support.grouped_counts import Counted, count_one, run

pytestmark = pytest.mark.usefixtures("_young_totals")


def _count(counter: GroupedCounter, caller: str, times: int) -> list[Usage | None]:
    async def count_all() -> list[Usage | None]:
        requests = (counter.count_request("test", "5/m", caller) for _ in range(times))
        return await asyncio.gather(*requests)

    return event_loop.run_in_loop(count_all())


def test_requests_that_are_counted_together_get_a_number_each(
    counter: GroupedCounter,
) -> None:
    usages = _count(counter, "1.2.3.4", 8)
    others = _count(counter, "5.6.7.8", 1)

    assert [usage.count for usage in usages if usage] == list(range(1, 9))
    assert [usage.is_exceeded for usage in usages if usage] == [False] * 5 + [True] * 3
    assert [usage.count for usage in others if usage] == [1]


def test_requests_outside_the_loop_count_together_with_those_in_it(
    counter: GroupedCounter,
) -> None:
    _count(counter, "1.2.3.4", 3)
    usage, _ = rate_limits.count_in_pipeline("test", "5/m", "1.2.3.4")
    again = _count(counter, "1.2.3.4", 1)[0]

    assert usage is not None
    assert again is not None
    assert (usage.count, again.count) == (4, 5)
    assert usage.build_headers().keys() == again.build_headers().keys()


@pytest.fixture
def group_sizes(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Return the sizes of the groups of every round trip, as they are sent."""
    sizes: list[list[int]] = []
    increment = grouped_rate_limits._increment_counters

    async def watch(groups: Sequence[Group]) -> list[int | None]:
        sizes.append([group.size for group in groups])
        return await increment(groups)

    monkeypatch.setattr(grouped_rate_limits, "_increment_counters", watch)
    return sizes


async def _count_one_after_another(counter: GroupedCounter, rate: str) -> list[Counted]:
    tasks = []
    for _ in range(5):
        tasks.append(asyncio.ensure_future(count_one(counter, rate, "1.2.3.4")))
        await asyncio.sleep(0.01)
    return await asyncio.gather(*tasks)


def test_requests_that_follow_closely_share_a_round_trip(
    counter: GroupedCounter,
    monkeypatch: pytest.MonkeyPatch,
    group_sizes: list[list[int]],
) -> None:
    monkeypatch.setattr(grouped_rate_limits, "SPACING_SECONDS", 0.5)

    counted = run(_count_one_after_another(counter, "9/m"))

    assert [one.count for one in counted] == [1, 2, 3, 4, 5]
    assert group_sizes == [[1], [4]]


def test_requests_that_do_not_wait_share_a_round_trip_for_longer(
    counter: GroupedCounter,
    monkeypatch: pytest.MonkeyPatch,
    group_sizes: list[list[int]],
) -> None:
    monkeypatch.setattr(grouped_rate_limits, "UNAWAITED_SPACING_SECONDS", 0.5)

    async def count() -> list[Counted]:
        counted = await _count_one_after_another(counter, "999/m")
        assert group_sizes == [[1]]
        await asyncio.sleep(0.6)
        return counted

    assert [one.count for one in run(count())] == [1, 2, 3, 4, 5]
    assert group_sizes == [[1], [4]]


def test_a_request_that_waits_takes_those_along_that_do_not(
    counter: GroupedCounter,
    monkeypatch: pytest.MonkeyPatch,
    group_sizes: list[list[int]],
) -> None:
    monkeypatch.setattr(grouped_rate_limits, "UNAWAITED_SPACING_SECONDS", 60.0)

    async def count() -> list[Counted]:
        counted = [await count_one(counter, "999/m", "1.2.3.4") for _ in range(3)]
        return [*counted, await count_one(counter, "999/m", "5.6.7.8")]

    assert [one.waited for one in run(count())] == [True, False, False, True]
    assert group_sizes == [[1], [2, 1]]


def test_what_passed_at_once_counts_for_requests_outside_the_loop(
    counter: GroupedCounter,
) -> None:
    async def count() -> None:
        for _ in range(9):
            await count_one(counter, "999/m", "1.2.3.4")
        await counter.drain()

    run(count())
    usage, _ = rate_limits.count_in_pipeline("test", "999/m", "1.2.3.4")

    assert usage is not None
    assert usage.count == 10


def test_a_web_process_that_stops_counts_what_passed_at_once() -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.support.stopping_process"],
        check=True,
        timeout=120,
    )

    usage, _ = rate_limits.count_in_pipeline("test", "999/d", "1.2.3.4")

    assert usage is not None
    assert usage.count == 4


def test_no_limit_counts_nothing(counter: GroupedCounter) -> None:
    async def count() -> Usage | None:
        return await counter.count_request("test", "0", "1.2.3.4")

    assert event_loop.run_in_loop(count()) is None

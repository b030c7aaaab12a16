"""Grouped counting lets all pass without a cache, and gathers nothing meanwhile."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from levered_site.api import rate_limits
from levered_site.api.caller_windows import UNSEEN_DIVISOR
from levered_site.api.grouped_rate_limits import GroupedCounter
from tests.support import serve_front
from tests.support.grouped_counts import Counted, count_one, run
from tests.support.spare_valkey import SpareValkey, run_spare_valkey


@pytest.fixture
def valkey(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SpareValkey]:
    """Use a Valkey that may be killed; without it counting is paused for long."""
    monkeypatch.setattr(rate_limits, "PAUSE_SECONDS", 60.0)
    url = settings.REDIS_URL
    with run_spare_valkey(tmp_path / "home") as valkey:
        settings.REDIS_URL = valkey.url
        serve_front.close_cache_client()
        yield valkey
        settings.REDIS_URL = url
        serve_front.close_cache_client()
        rate_limits._breaker.paused_until = 0.0


async def _count_until_paused(counter: GroupedCounter) -> list[Counted]:
    """Count one request after the other until the cache was found to be away."""
    counted = []
    while not rate_limits.is_cache_paused():
        counted.append(await count_one(counter, "999/m", "1.2.3.4"))
    await counter.drain()
    return counted


def test_while_the_cache_is_away_requests_pass_uncounted_and_nothing_gathers(
    valkey: SpareValkey, counter: GroupedCounter
) -> None:
    async def count(times: int) -> list[Counted]:
        return [await count_one(counter, "999/m", "1.2.3.4") for _ in range(times)]

    before = run(count(3))
    valkey.kill()
    run(_count_until_paused(counter))
    away = run(count(20))
    gathered = list(counter._groups)
    valkey.start()
    rate_limits._breaker.paused_until = 0.0
    after = run(count(2))

    assert [one.count for one in before] == [1, 2, 3]
    assert away == [Counted(usage=None, waited=False)] * 20
    assert gathered == []
    assert after[0].waited
    assert None not in {one.count for one in after}


def test_while_the_cache_hangs_few_requests_pass_before_one_waits(
    valkey: SpareValkey, counter: GroupedCounter
) -> None:
    async def count() -> list[Counted]:
        first = await count_one(counter, "999/m", "1.2.3.4")
        assert valkey.process
        valkey.process.send_signal(signal.SIGSTOP)
        return [first, *await _count_until_paused(counter)]

    first, *others, last = run(count())

    assert first.waited
    assert len(others) <= 999 // UNSEEN_DIVISOR
    assert not any(one.waited for one in others)
    assert (last.waited, last.usage) == (True, None)
    assert counter._groups == []

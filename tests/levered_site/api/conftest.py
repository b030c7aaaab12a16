"""Counters of rate limits that leave nothing to be counted behind a test."""

from collections.abc import Iterator

import pytest

from levered_site.api import caller_windows
from levered_site.api.grouped_rate_limits import GroupedCounter
from tests.support.grouped_counts import run


@pytest.fixture
def counters() -> Iterator[list[GroupedCounter]]:
    """Return counters that know nothing of each other, as of four web processes."""
    counters = [GroupedCounter() for _ in range(4)]
    yield counters
    for counter in counters:
        run(counter.drain())


@pytest.fixture
def counter(counters: list[GroupedCounter]) -> GroupedCounter:
    """Return the counter of one process."""
    return counters[0]


@pytest.fixture
def _young_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let totals stay young on a machine that is busy."""
    monkeypatch.setattr(caller_windows, "MAX_TOTAL_AGE_SECONDS", 30.0)

"""The bytes of events of one organization and day are limited, over all processes."""

from typing import Any

import pytest
from django.core.cache import cache

from optimizations.ingestion import byte_quota
from optimizations.ingestion.byte_quota import _ByteCounter
from optimizations.models import Optimization
from tests.support import tracking, traffic
from tests.support.event_batches import build_batch
from tests.support.factories import Api, make_api_key, read_error
from tests.support.optimization_factories import make_organization
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db

DAY = "2026-03-01"


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    byte_quota._counter.reset()
    cache.clear()


def test_an_organization_that_sent_as_much_as_it_may_is_refused_until_tomorrow(
    optimization: Optimization, api: Api, settings: Any
) -> None:
    settings.EVENT_BYTES_PER_DAY = 300
    other = Api(make_api_key(make_organization()))
    batch = build_batch(traffic.build_reward("ann", properties={"text": "x" * 100}))
    key = tracking.make_publishable_key(optimization.organization)

    first = api.post("/ingest/rewards", batch)
    answers = [api.post("/ingest/rewards", batch) for _ in range(3)]
    tracked = tracking.track(key, tracking.build_reward())
    of_another = other.post("/ingest/rewards", batch)

    assert (first.status_code, of_another.status_code) == (200, 200)
    assert (answers[-1].status_code, tracked.status_code) == (429, 429)
    assert "300 bytes of events" in read_error(answers[-1])["message"]
    assert 0 < int(answers[-1]["Retry-After"]) <= 24 * 3600
    stored = ManagedReward.objects.filter(organization_id=optimization.organization_id)
    assert stored.count() < 4


def test_zero_is_no_limit(api: Api, settings: Any) -> None:
    settings.EVENT_BYTES_PER_DAY = 0

    answer = api.post("/ingest/rewards", build_batch(traffic.build_reward("ann")))

    assert answer.status_code == 200


def test_processes_count_together_and_each_day_begins_at_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(byte_quota, "SEND_SECONDS", 0.0)
    first, second = _ByteCounter(), _ByteCounter()

    counts = [counter.add("org_a", 100, DAY) for counter in (first, second, first)]
    of_another = second.add("org_b", 10, DAY)
    next_day = first.add("org_a", 1, "2026-03-02")

    assert counts == [100, 200, 300]
    assert (of_another, next_day) == (10, 1)


def test_bytes_are_sent_once_a_second_or_when_they_are_many() -> None:
    first, second = _ByteCounter(), _ByteCounter()
    first.add("org_a", 100, DAY)  # the first one is sent at once

    unsent = first.add("org_a", 50, DAY)
    seen = second.add("org_a", 0, DAY)
    first.add("org_a", byte_quota.SEND_BYTES, DAY)
    second.reset()
    seen_after = second.add("org_a", 0, DAY)

    assert (unsent, seen) == (150, 100)
    assert seen_after == 150 + byte_quota.SEND_BYTES

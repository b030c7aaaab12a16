"""Counters and values of the cache, under whose keys others wrote something else."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone

from levered_site.api import cache_counters, rate_limits
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.organizations.staff_roles import StaffRoles
from optimizations.admin import activity
from optimizations.ingestion import byte_quota
from optimizations.serving import event_loop
from warehouse.backends import byte_budget

Spoil = Callable[[str], Any]
client = rate_limits.get_redis_client


def _write_text(key: str) -> None:
    client().set(key, "rubbish")


def _write_overflow(key: str) -> None:
    client().set(key, str(2**63 - 1))


def _write_negative(key: str) -> None:
    client().set(key, str(-(10**9)))


def _write_list(key: str) -> None:
    client().delete(key)
    client().rpush(key, "a")


SPOILS: tuple[Spoil, ...] = (_write_text, _write_overflow, _write_negative, _write_list)
spoiled = pytest.mark.parametrize("spoil", SPOILS)


@spoiled
def test_a_malformed_counter_starts_again_expires_and_is_logged_once(
    spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    key = f"test:{uuid.uuid4()}"
    spoil(key)

    totals = [_increment(key, 3), _increment(key, 2)]

    assert totals == [3, 5]
    assert 0 < client().ttl(key) <= 60
    assert caplog.text.count("cache.counter_malformed") == 1


def _increment(key: str, amount: int) -> int:
    pipeline = client().pipeline(transaction=False)
    cache_counters.queue_increment(pipeline, key, amount, 60)
    (reply,) = pipeline.execute()
    return cache_counters.read_total(key, reply)


def test_a_counter_may_go_down() -> None:
    key = f"test:{uuid.uuid4()}"

    assert [_increment(key, amount) for amount in (5, -3, -2, -1)] == [5, 2, 0, -1]


@spoiled
def test_a_malformed_counter_of_one_caller_does_not_free_the_others(
    spoil: Spoil,
) -> None:
    caller = str(uuid.uuid4())
    rate = rate_limits.parse_rate("2/d")
    assert rate is not None
    ends_at = rate_limits.compute_window_end(caller, rate.seconds, int(time.time()))
    spoil(rate_limits.build_counter_key("test", rate, caller, ends_at))

    mine = [rate_limits.count_in_pipeline("test", "2/d", caller)[0] for _ in range(3)]
    grouped = event_loop.run_in_loop(
        GroupedCounter().count_request("test", "2/d", caller)
    )

    assert [usage.count for usage in mine if usage] == [1, 2, 3]
    assert grouped is not None
    assert grouped.count == 4
    assert not rate_limits.is_cache_paused()


def test_a_list_among_the_keys_of_a_request_counts_as_missing() -> None:
    keys = [f"test:{uuid.uuid4()}" for _ in range(2)]
    client().set(keys[0], "1")
    _write_list(keys[1])

    usage, values = rate_limits.count_in_pipeline("test", "2/m", keys[0], keys)

    assert usage is not None
    assert values == [b"1", None]


@spoiled
def test_a_malformed_count_of_event_bytes_starts_again(spoil: Spoil) -> None:
    organization = f"org_{uuid.uuid4()}"
    spoil(f"event-bytes:{organization}:{timezone.now().date().isoformat()}")

    byte_quota.spend_bytes(organization, 1000)

    assert not rate_limits.is_cache_paused()


@spoiled
def test_a_malformed_budget_of_bytes_starts_again(spoil: Spoil) -> None:
    organization = f"org_{uuid.uuid4()}"
    today = timezone.now().date().isoformat()
    spoil(f"levered:bigquery-bytes:{organization}:{today}")

    byte_budget.spend_bytes(organization, 1000)

    assert client().get(f"levered:bigquery-bytes:{organization}:{today}") == b"1000"


@pytest.mark.parametrize("spoil", [_write_text, _write_overflow, _write_list])
def test_a_malformed_counter_of_djangos_cache_counts_as_absent(spoil: Spoil) -> None:
    key = str(uuid.uuid4())
    cache.set(key, 1)
    spoil(cache.make_key(key))

    with pytest.raises(ValueError, match="not found"):
        cache.incr(key)
    assert cache.get(key) is None
    assert not rate_limits.is_cache_paused()


def test_a_list_in_djangos_cache_counts_as_absent_and_is_removed() -> None:
    key = str(uuid.uuid4())
    _write_list(cache.make_key(key))

    assert cache.get(key, "absent") == "absent"
    assert client().exists(cache.make_key(key)) == 0


@pytest.mark.parametrize("spoil", [_write_text, _write_list])
def test_a_malformed_rate_counter_refuses_nobody_and_is_counted_again(
    spoil: Spoil,
) -> None:
    caller = str(uuid.uuid4())
    requests = [RequestFactory().get("/") for _ in range(3)]
    rate_limits.count_request(requests[0], "test", "9/h", caller)
    (key,) = (
        key for key in client().scan_iter("levered:1:rl:*") if client().ttl(key) > 3000
    )
    spoil(key)

    for request in requests[1:]:
        rate_limits.count_request(request, "test", "9/h", caller)

    assert rate_limits.read_usage(requests[1]) is None
    usage = rate_limits.read_usage(requests[2])
    assert usage is not None
    assert usage.count == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", [[], {}, {"Decisions": 5}, "text", {"Decisions": ["1"] * 24}, 7]
)
def test_malformed_counts_of_the_dashboard_are_counted_again(value: object) -> None:
    now = timezone.now()
    cache.set(f"levered:overview:all:{now:%Y%m%d%H%M}", value)
    roles = StaffRoles(is_superuser=True, by_organization={})

    counts = activity.load_hourly_counts(now, roles)

    assert counts is not None
    assert counts.keys() == {name for name, *_ in activity.STREAMS}

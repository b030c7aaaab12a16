"""Conversions and exposures arrive once, whatever happens on the way."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.support import factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.javascript_client import Call, Session, run_client
from tests.support.optimization_factories import make_live_optimization
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

PURCHASE = ("track", {"name": "purchase"})
FLUSH: Call = ("flush", {})
BUSY = Fault(503, b'{"error": {"message": "busy"}}')


@pytest.fixture
def key() -> str:
    """Make a publishable key for the rewards purchase and revenue."""
    return tracking.make_publishable_key(factories.make_organization())


def _open_page(
    proxy: ChaosProxy, key: str, storage: Path, *ticks: list[tuple[str, Any]]
) -> Session:
    return run_client({"apiUrl": proxy.url, "apiKey": key}, *ticks, storage=storage)


def _list_rewards() -> list[tuple[str, float]]:
    rewards = ManagedReward.objects.order_by("name", "value")
    return [(reward.name, reward.value) for reward in rewards]


def _read_events(storage: Path) -> list[Mapping[str, Any]]:
    return [
        json.loads(value)["fields"]
        for key, value in json.loads(storage.read_text()).items()
        if key.startswith("levered_event_")
    ]


def test_a_reward_arrives_with_its_value_in_one_request(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    revenue = ("track", {"name": "revenue", "value": 49.5})

    session = _open_page(proxy, key, tmp_path / "s", [PURCHASE, revenue], [FLUSH])

    assert session.results[1] == [True]
    assert session.errors == []
    assert proxy.requests == [("POST", "/api/v2/track")]
    assert _list_rewards() == [("purchase", 1), ("revenue", 49.5)]
    ids = ManagedReward.objects.values_list("anonymous_id", flat=True)
    assert set(ids) == {session.anonymous_id}
    assert _read_events(tmp_path / "s") == []


def test_an_event_is_sent_without_flush(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    _open_page(proxy, key, tmp_path / "s", [PURCHASE], [("sleep", {"ms": 2_000})])

    assert _list_rewards() == [("purchase", 1)]


def test_events_survive_a_reload_and_arrive_once(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    storage = tmp_path / "storage.json"
    proxy.faults = [BUSY]
    first = _open_page(proxy, key, storage, [PURCHASE, PURCHASE], [FLUSH])
    assert first.results[1] == [False]
    assert len(_read_events(storage)) == 2

    # The service stores them, and its answer is lost on the way.
    proxy.faults = [Fault(502, b"<h1>Bad gateway</h1>", is_passed_on=True)]
    second = _open_page(proxy, key, storage, [FLUSH])
    assert second.results == [[False]]
    assert len(_read_events(storage)) == 2

    proxy.faults = []
    third = _open_page(proxy, key, storage, [PURCHASE], [FLUSH])

    assert third.results[1] == [True]
    assert first.errors == second.errors == third.errors == []
    assert first.anonymous_id == third.anonymous_id
    assert _list_rewards() == [("purchase", 1)] * 3
    assert _read_events(storage) == []


def test_two_pages_with_one_storage_lose_nothing(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    storage = tmp_path / "storage.json"
    proxy.faults = [BUSY]
    for _ in range(2):
        _open_page(proxy, key, storage, [PURCHASE])
    assert len(_read_events(storage)) == 2

    proxy.faults = []
    _open_page(proxy, key, storage, [FLUSH])

    assert _list_rewards() == [("purchase", 1)] * 2


def test_events_wait_as_long_as_the_service_asks(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    proxy.faults = [Fault(429, headers=(("Retry-After", "1"),)), None]

    session = _open_page(
        *(proxy, key, tmp_path / "s", [PURCHASE], [FLUSH], [FLUSH]),
        [("sleep", {"ms": 3_500})],
    )

    assert session.results[1:3] == [[False], [False]]
    assert 1 <= proxy.times[1] - proxy.times[0] < 3.5
    assert len(proxy.requests) == 2
    assert _list_rewards() == [("purchase", 1)]


def test_what_was_not_acknowledged_stays_queued(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    _open_page(proxy, key, tmp_path / "s", [PURCHASE])

    for fault in (
        Fault(),
        Fault(200, b"<h1>Welcome to our network</h1>"),
        Fault(200, b"{}"),
        Fault(500),
    ):
        proxy.faults = [fault]
        session = _open_page(proxy, key, tmp_path / "s", [FLUSH])
        assert (session.results, session.errors) == ([[False]], [])
    proxy.faults = []
    session = _open_page(proxy, key, tmp_path / "s", [FLUSH])

    assert session.results == [[True]]
    assert len(proxy.requests) == 5
    assert _list_rewards() == [("purchase", 1)]


def test_what_the_service_refuses_is_reported_and_not_sent_again(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    storage = tmp_path / "storage.json"
    unknown = ("track", {"name": "unknown"})

    partly = _open_page(proxy, key, storage, [PURCHASE, unknown], [FLUSH])
    wholly = _open_page(proxy, "lev_pub_unknown", storage, [PURCHASE], [FLUSH])
    keyless = _open_page(proxy, "", storage, [PURCHASE])

    assert "must be a reward of this key: purchase, revenue" in partly.errors[0]
    assert "the service answered 401" in wholly.errors[0]
    assert keyless.errors == ["events need an apiKey"]
    assert _list_rewards() == [("purchase", 1)]
    assert _read_events(storage) == []


def test_events_that_are_too_large_together_are_sent_alone(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    proxy.faults = [Fault(413), None]

    session = _open_page(proxy, key, tmp_path / "s", [PURCHASE, PURCHASE], [FLUSH])

    assert session.results[1] == [True]
    assert len(proxy.requests) == 3
    assert _list_rewards() == [("purchase", 1)] * 2


def test_a_server_sends_for_many_users_with_its_secret_key(
    proxy: ChaosProxy, settings: Settings
) -> None:
    optimization = make_live_optimization(public_policy=True, holdout_percentage=0)
    key = factories.make_api_key(
        optimization.organization, "server", ("ingest", "serve")
    )
    users = [f"user-{n}" for n in range(5)]
    asked = {"optimizationId": str(optimization.pk), "fallback": {}}

    session = run_client(
        {"apiUrl": proxy.url, "apiKey": key, "mode": "local"},
        [("getDecision", {**asked, "anonymousId": user}) for user in users],
        [("track", {"name": "purchase", "anonymousId": user}) for user in users],
        [FLUSH],
    )

    assert session.errors == []
    assert session.results[2] == [True]
    rewards = ManagedReward.objects.values_list("anonymous_id", flat=True)
    assert sorted(rewards) == users
    exposures = {row.anonymous_id: row for row in ManagedExposure.objects.all()}
    assert sorted(exposures) == users
    for decision in session.results[0]:
        exposure = exposures[decision["anonymousId"]]
        assert json.loads(exposure.variant) == decision["variant"]
    posts = [path for method, path in proxy.requests if method == "POST"]
    assert sorted(posts) == ["/api/v2/ingest/exposures", "/api/v2/ingest/rewards"]


def test_a_server_is_counted_by_its_key_in_remote_mode(
    live_server: LiveServer, settings: Settings
) -> None:
    optimization = make_live_optimization()
    key = factories.make_api_key(optimization.organization, "server", ("serve",))
    settings.RATELIMIT_SERVE = "1/d"
    asked = {"optimizationId": str(optimization.pk), "fallback": {}}

    session = run_client(
        {"apiUrl": live_server.url, "apiKey": key},
        *([("getVariant", {**asked, "anonymousId": f"user-{n}"})] for n in range(3)),
    )

    assert session.errors == []


def test_without_consent_events_wait_and_nothing_is_stored(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    storage = tmp_path / "storage.json"
    options = {"apiUrl": proxy.url, "apiKey": key, "consent": False}

    refused = run_client(options, [PURCHASE], [FLUSH], storage=storage)

    assert refused.results[1] == [False]
    assert proxy.requests == []
    assert not storage.exists()

    granted = run_client(
        options,
        [PURCHASE],
        [("setConsent", {"isGranted": True})],
        [FLUSH],
        storage=storage,
    )

    assert _list_rewards() == [("purchase", 1)]
    assert json.loads(storage.read_text()) == {"levered_id": granted.anonymous_id}

    run_client(options, [("setConsent", {"isGranted": False})], storage=storage)

    assert json.loads(storage.read_text()) == {}


def test_a_known_visitor_is_recognized_when_consent_comes_late(
    proxy: ChaosProxy, key: str, tmp_path: Path
) -> None:
    storage = tmp_path / "storage.json"
    first = _open_page(proxy, key, storage, [FLUSH])

    second = run_client(
        {"apiUrl": proxy.url, "apiKey": key, "consent": False},
        [PURCHASE],
        [("setConsent", {"isGranted": True})],
        [FLUSH],
        storage=storage,
    )

    assert second.anonymous_id == first.anonymous_id
    assert ManagedReward.objects.get().anonymous_id == first.anonymous_id

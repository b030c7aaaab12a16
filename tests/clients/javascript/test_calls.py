"""Calls that go wrong, or are given up: nothing throws, and nobody is told too often."""

import json
import time
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.javascript_client import (
    PROGRAMS,
    Json,
    Session,
    run_client,
    run_node,
)
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)

HANGING_SECONDS = 8.0


@pytest.fixture
def optimization() -> Optimization:
    """Make a live optimization whose policy anybody may read."""
    return make_live_optimization(public_policy=True, holdout_percentage=0)


def _ask(optimization: Optimization, **fields: object) -> Json:
    return {"optimizationId": str(optimization.pk), "fallback": {}, **fields}


def _leave(url: str, optimization: Optimization, who: str) -> tuple[Json, float]:
    started_at = time.monotonic()
    output = run_node(PROGRAMS / "leave_decision.mjs", url, optimization.pk, who)
    result: Json = json.loads(output)
    return result, time.monotonic() - started_at


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_no_call_throws_for_want_of_arguments(mode: str) -> None:
    output = json.loads(run_node(PROGRAMS / "call_wrongly.mjs", mode))

    shown = {"headline": "A"}
    assert output["results"] == [{}, {}, shown, [], [], [{}, shown], *[None] * 5]
    assert output["errors"] == 6  # five decisions, and a value that JSON cannot say


def test_a_request_that_nobody_waits_for_is_aborted_without_an_error(
    proxy: ChaosProxy, optimization: Optimization
) -> None:
    proxy.faults = [Fault(seconds=HANGING_SECONDS)]

    result, seconds = _leave(proxy.url, optimization, "all")

    assert result == {"sources": ["fallback", "fallback"], "errors": []}
    assert len(proxy.requests) == 1
    # A request that goes on would keep the program.
    assert seconds < HANGING_SECONDS


def test_a_request_that_somebody_waits_for_goes_on(
    proxy: ChaosProxy, optimization: Optimization
) -> None:
    proxy.faults = [Fault(seconds=1, is_answered=True)]

    result, _ = _leave(proxy.url, optimization, "one")

    assert result == {"sources": ["remote", "fallback"], "errors": []}
    assert len(proxy.requests) == 1


def test_a_missing_key_is_reported_once_for_many_decisions(
    live_server: LiveServer, optimization: Optimization
) -> None:
    requests = [_ask(optimization, anonymousId=f"user-{n}") for n in range(50)]
    tick = [("getDecisions", {"requests": requests})]

    session = run_client({"apiUrl": live_server.url, "mode": "local"}, tick, tick)

    assert session.errors == ["events need an apiKey"]
    assert len(session.exposures) == 50


def test_a_full_queue_drops_the_oldest_and_says_so_once(
    proxy: ChaosProxy, optimization: Optimization
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    proxy.faults = [Fault(503)]
    rewards = [("track", {"name": "purchase", "value": n}) for n in range(1_020)]

    session = run_client({"apiUrl": proxy.url, "apiKey": key}, rewards)

    assert session.errors == ["the queue is full: events were lost"]


def _decide(url: str, optimization: Optimization, mode: str, storage: Path) -> Session:
    key = tracking.make_publishable_key(optimization.organization)
    return run_client(
        {"apiUrl": url, "apiKey": key, "mode": mode},
        *([("getDecision", _ask(optimization))], [("getDecision", _ask(optimization))]),
        [("flush", {})],
        storage=storage,
    )


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_an_exposure_is_told_for_a_new_visitor_and_not_when_the_visitor_returns(
    live_server: LiveServer, optimization: Optimization, tmp_path: Path, mode: str
) -> None:
    first = _decide(live_server.url, optimization, mode, tmp_path / "storage")
    second = _decide(live_server.url, optimization, mode, tmp_path / "storage")

    assert first.errors == second.errors == []
    assert first.exposures == [first.results[0][0]]
    assert second.exposures == []


def test_no_exposure_is_told_for_a_crawler_or_where_nothing_is_learned(
    live_server: LiveServer,
    settings: Settings,
    optimization: Optimization,
    tmp_path: Path,
) -> None:
    settings.CRAWLER_USER_AGENTS = ("node",)
    crawler = _decide(live_server.url, optimization, "remote", tmp_path / "crawler")
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    shipped = _decide(live_server.url, optimization, "local", tmp_path / "shipped")

    assert crawler.errors == shipped.errors == []
    assert crawler.results[0][0]["source"] == "remote"
    assert shipped.results[0][0]["source"] == "local"
    assert crawler.exposures == shipped.exposures == []


def test_a_server_queues_thousands_of_exposures_and_sends_500_a_request(
    proxy: ChaosProxy, optimization: Optimization
) -> None:
    key = factories.make_api_key(optimization.organization, "server", ("ingest",))
    requests = [_ask(optimization, anonymousId=f"user-{n}") for n in range(1_200)]

    session = run_client(
        {"apiUrl": proxy.url, "apiKey": key, "mode": "local"},
        *([("getDecisions", {"requests": requests})], [("flush", {})]),
    )

    assert session.errors == []
    assert session.results[1] == [True]
    assert [method for method, _ in proxy.requests].count("POST") == 3

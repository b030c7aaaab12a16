"""Whatever happens to the service, a page gets its fallback in time and no exception."""

from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import Assignment
from tests.support import tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.javascript_client import run_client
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

FALLBACK = {"headline": "fallback"}
NOBODY = "00000000-0000-4000-8000-000000000000"
REQUEST = {"optimizationId": NOBODY, "fallback": FALLBACK}
JSON = (("Content-Type", "application/json"),)
FAULTS = {
    "the service is overloaded": Fault(503, b'{"error": {"message": "busy"}}', JSON),
    "a proxy fails": Fault(502, b"<h1>Bad gateway</h1>"),
    "an empty body": Fault(200),
    "a hotel's network answers": Fault(200, b"<h1>Welcome</h1>"),
    "cut JSON": Fault(200, b'{"variant": {"head', JSON),
    "JSON of another kind": Fault(200, b"[]", JSON),
    "null": Fault(200, b"null", JSON),
    "no variant": Fault(200, b'{"decisions": null, "variant": null}', JSON),
    "a variant that is a text": Fault(200, b'{"variant": "A"}', JSON),
    "a redirect to nowhere": Fault(302, headers=(("Location", "http://[/"),)),
    "the connection closes": Fault(),
}
CHECK = "check apiUrl and the service"
AWAY = (Fault(503), Fault(429), FAULTS["a hotel's network answers"], Fault(seconds=30))


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_every_fault_gives_the_fallback(proxy: ChaosProxy, mode: str) -> None:
    faults = list(FAULTS.values())
    proxy.faults = [*faults, faults[-1]]
    options = {"apiUrl": proxy.url, "mode": mode}
    # Each tick asks for another user or, in local mode, optimization.
    ticks = [
        [("getVariant", {**REQUEST, "optimizationId": f"{NOBODY[:-2]}{n:02}"})]
        for n in range(len(faults))
    ]

    session = run_client(options, *ticks)

    assert session.results == [[FALLBACK]] * len(faults)
    assert len(session.errors) == len(proxy.requests) == len(faults)
    assert session.exposures == []


def test_a_slow_service_costs_no_more_than_the_timeout(proxy: ChaosProxy) -> None:
    proxy.faults = [Fault(seconds=30)]
    options = {"apiUrl": proxy.url, "timeoutMs": 300}

    for mode in ("remote", "local"):
        session = run_client(
            {**options, "mode": mode, "preload": [NOBODY]},
            [("ready", {})],
            [("getVariants", {"requests": [REQUEST, REQUEST]})],
        )

        assert session.results[1][0] == [FALLBACK, FALLBACK]
        assert sum(session.milliseconds) < 5_000
        late = f"no answer from {proxy.url}/api/v2 (after 300 ms): {CHECK}"
        assert session.errors[:1] == [late]


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_a_visitor_of_before_keeps_the_variant_while_nobody_answers(
    proxy: ChaosProxy, tmp_path: Path, mode: str
) -> None:
    optimization = make_live_optimization(public_policy=True)
    key = tracking.make_publishable_key(optimization.organization)
    options = {"apiUrl": proxy.url, "apiKey": key, "mode": mode}
    # The service reads ids in capital letters too.
    asked = {"optimizationId": str(optimization.pk).upper(), "fallback": FALLBACK}
    stranger = {**asked, "anonymousId": "stranger"}
    storage = tmp_path / "storage.json"

    before = run_client(options, [("getDecision", asked)], storage=storage)

    assert before.results[0][0]["source"] == mode
    for fault in AWAY:
        proxy.faults = [fault]
        away = run_client(
            {**options, "timeoutMs": 1_500},
            [("getDecision", asked), ("getDecision", stranger)],
            storage=storage,
        )
        kept, other = away.results[0]
        assert kept == {**before.results[0][0], "source": "stored"}
        assert other["variant"] == FALLBACK


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_nobody_keeps_the_variant_of_an_optimization_that_is_paused_or_over(
    live_server: LiveServer, tmp_path: Path, mode: str
) -> None:
    acme = make_organization()
    paused, ended = (make_optimization(acme, public_policy=True) for _ in range(2))
    key = tracking.make_publishable_key(acme)
    options = {"apiUrl": live_server.url, "apiKey": key, "mode": mode}
    ticks = [
        [("getVariant", {"optimizationId": str(each.pk), "fallback": FALLBACK})]
        for each in (paused, ended)
    ]
    storage = tmp_path / "storage.json"
    before = run_client(options, *ticks, storage=storage)

    lifecycle.pause_optimization(paused, SYSTEM_ACTOR)
    lifecycle.stop_optimization(ended, SYSTEM_ACTOR)
    # One by one, and in one request.
    after = run_client(options, *ticks, [*ticks[0], *ticks[1]], storage=storage)

    assert [FALLBACK] not in before.results
    assert after.results == [[FALLBACK], [FALLBACK], [FALLBACK] * 2]


def test_a_decision_that_comes_after_the_fallback_is_not_counted(
    proxy: ChaosProxy, tmp_path: Path
) -> None:
    optimization = make_live_optimization(public_policy=True)
    key = tracking.make_publishable_key(optimization.organization)
    # The policy and the key of its signature are in time one by one, not together.
    proxy.faults = [Fault(seconds=1, is_answered=True)]
    asked = {"optimizationId": str(optimization.pk), "fallback": FALLBACK}

    session = run_client(
        {"apiUrl": proxy.url, "apiKey": key, "mode": "local", "timeoutMs": 1_500},
        [("getVariant", asked)],
        [("sleep", {"ms": 1_500})],
        storage=tmp_path / "storage.json",
    )

    assert session.results[0] == [FALLBACK]
    late = f"no answer from {proxy.url}/api/v2 (after 1500 ms): {CHECK}"
    assert session.errors == [late]
    assert session.exposures == []
    assert "decision" not in (tmp_path / "storage.json").read_text()


def test_no_service_at_all_gives_the_fallback() -> None:
    for mode in ("remote", "local"):
        session = run_client(
            {"apiUrl": "http://127.0.0.1:9", "mode": mode}, [("getVariant", REQUEST)]
        )

        assert session.results == [[FALLBACK]]
        assert len(session.errors) == 1


@pytest.mark.parametrize("mode", ["remote", "local"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "localhost:3100", "http://[/"])
def test_a_mistyped_address_is_named_with_what_to_check(mode: str, url: str) -> None:
    session = run_client(
        {"apiUrl": f"{url}/api/v2/", "mode": mode}, [("getVariant", REQUEST)]
    )

    (message,) = session.errors
    assert message.startswith(f"no answer from {url}/api/v2 (")
    assert message.endswith(f"): {CHECK}")


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_the_service_is_left_alone_for_as_long_as_it_asks(
    proxy: ChaosProxy, mode: str
) -> None:
    optimization = make_live_optimization(public_policy=True)
    key = tracking.make_publishable_key(optimization.organization)
    proxy.faults = [Fault(429, headers=(("Retry-After", "1"),)), None]
    asked = {"optimizationId": str(optimization.pk), "fallback": FALLBACK}

    session = run_client(
        {"apiUrl": proxy.url, "apiKey": key, "mode": mode},
        [("getVariant", asked)],
        [("getVariant", asked)],
        [("sleep", {"ms": 1_200})],
        [("getVariant", asked)],
    )

    refused, at_once, _, later = session.results
    assert refused == at_once == [FALLBACK]
    assert later != [FALLBACK]
    assert proxy.times[1] - proxy.times[0] >= 1
    assert len(session.errors) == 2


def test_a_limited_client_and_a_draft_say_why(
    live_server: LiveServer, settings: Settings
) -> None:
    draft = make_live_optimization(status="draft")
    settings.RATELIMIT_SERVE = "1/d"
    asked = {"optimizationId": str(draft.pk), "fallback": FALLBACK}

    session = run_client(
        {"apiUrl": live_server.url}, [("getVariant", asked)], [("getVariant", asked)]
    )

    assert session.results == [[FALLBACK], [FALLBACK]]
    assert "answered 409" in session.errors[0]
    assert "This optimization is a draft" in session.errors[0]
    assert "answered 429" in session.errors[1]


def test_wrong_arguments_give_the_fallback(live_server: LiveServer) -> None:
    optimization = make_live_optimization()
    asked = {"optimizationId": str(optimization.pk), "fallback": FALLBACK}
    wrong: list[dict[str, object]] = [
        {"fallback": FALLBACK},
        {"optimizationId": None, "fallback": FALLBACK},
        {**asked, "anonymousId": "undefined"},
        {**asked, "context": {"device": {"name": "phone"}}},
    ]

    session = run_client(
        {"apiUrl": live_server.url}, [("getVariants", {"requests": wrong})]
    )

    assert session.results[0][0] == [FALLBACK] * 4
    assert len(session.errors) == 4
    assert Assignment.objects.count() == 0


def test_a_full_storage_changes_no_decision(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_live_optimization(public_policy=True)
    # A folder: reading and writing it fail.
    forbidden = tmp_path
    key = tracking.make_publishable_key(optimization.organization)
    asked = {"optimizationId": str(optimization.pk), "fallback": FALLBACK}

    for mode in ("remote", "local"):
        session = run_client(
            {"apiUrl": live_server.url, "apiKey": key, "mode": mode},
            [("getVariant", asked)],
            storage=forbidden,
        )

        assert session.errors == []
        assert session.results[0][0] != FALLBACK

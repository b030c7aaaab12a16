"""What a page is told of each decision: its variant, filled in, or its own error."""

import json
from pathlib import Path

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import factories, tracking
from tests.support.chaos_proxy import ChaosProxy
from tests.support.fallback_cases import CASES, Answered, answer_many, answer_one
from tests.support.javascript_client import run_client, run_node
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

FALLBACK = {"headline": "fallback"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def _ask(optimization: Optimization, **fields: object) -> dict[str, object]:
    return {"optimizationId": str(optimization.pk), "fallback": FALLBACK, **fields}


def test_what_is_shown_of_variant_and_fallback_is_as_in_the_other_clients(
    proxy: ChaosProxy,
) -> None:
    proxy.faults = [answer_one(case["variant"]) for case in CASES]
    ticks = [
        [
            (
                "getVariant",
                {
                    "optimizationId": f"{NOBODY[:-2]}{number:02}",
                    "fallback": case["fallback"],
                },
            )
        ]
        for number, case in enumerate(CASES)
    ]

    session = run_client({"apiUrl": proxy.url}, *ticks)

    shown = [[case["shown"]] for case in CASES]
    assert session.results == shown
    assert session.errors == []


@pytest.mark.usefixtures("npm_packages")
def test_a_component_of_react_shows_the_same() -> None:
    program = Path(__file__).parent / "programs" / "fill_react.mjs"

    shown = json.loads(run_node(program, json.dumps(CASES)))

    assert shown == [case["shown"] for case in CASES]


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_a_factor_that_is_not_varied_has_the_value_of_the_fallback(
    proxy: ChaosProxy, tmp_path: Path, mode: str
) -> None:
    optimization = make_live_optimization(public_policy=True)
    key = tracking.make_publishable_key(optimization.organization)
    asked = _ask(optimization, fallback={"headline": "before", "color": "green"})
    other = _ask(optimization, fallback={"color": "red", "size": 2})
    options = {"apiUrl": proxy.url, "apiKey": key, "mode": mode}
    storage = tmp_path / "storage.json"

    session = run_client(
        options,
        [("getDecision", asked), ("getDecision", other)],
        [("getDecision", asked), ("getVariants", {"requests": [other]})],
        [("flush", {})],
        storage=storage,
    )
    proxy.faults = [answer_many()]
    away = run_client(options, [("getDecision", other)], storage=storage)

    (first, second), (again, several), _ = session.results
    decided = session.exposures[0]["variant"]
    assert set(decided) == {"headline", "cta"}
    assert first["variant"] == {**decided, "color": "green"}
    assert again == first
    filled = {**decided, "color": "red", "size": 2}
    assert [second["variant"]] == several == [filled]
    kept = away.results[0][0]
    assert (kept["source"], kept["variant"]) == ("stored", filled)
    assert "color" not in storage.read_text()


def test_each_decision_of_a_request_has_the_code_of_its_own_error(
    live_server: LiveServer, settings: Settings
) -> None:
    acme = make_organization()
    live, full, draft = (
        make_optimization(acme, **fields) for fields in ({}, {}, {"status": "draft"})
    )
    options = {"apiUrl": live_server.url}
    run_client(options, [("getVariant", _ask(full))])
    settings.NEW_USERS_PER_MINUTE = 1
    asked = [_ask(live), _ask(full), _ask(draft), _ask(live, optimizationId=NOBODY)]

    session = run_client(
        options,
        [("getDecisions", {"requests": asked})],
        *([("getDecision", each)] for each in asked[2:]),
    )

    sources = [each["source"] for each in session.results[0][0]]
    assert sources == ["remote", *["fallback"] * 3]
    one_by_one = ["conflict", "not_found"]
    assert session.codes == ["rate_limited", *one_by_one, *one_by_one]
    assert "This optimization is a draft" in session.errors[1]
    assert str(draft.pk) in session.errors[1]
    assert Assignment.objects.filter(optimization_id=live.pk).count() == 1


def test_a_visitor_keeps_a_variant_where_asking_again_helps(
    proxy: ChaosProxy, tmp_path: Path
) -> None:
    acme = make_organization()
    optimizations = [make_optimization(acme) for _ in range(5)]
    requests = [_ask(each) for each in optimizations]
    call = ("getDecisions", {"requests": requests})
    storage = tmp_path / "storage.json"
    before = run_client({"apiUrl": proxy.url}, [call], storage=storage)
    codes = ["unavailable", "rate_limited", "internal_error", "conflict", "forbidden"]
    proxy.faults = [
        answer_many(
            *(
                Answered(str(each.pk), code=code)
                for each, code in zip(optimizations, codes, strict=True)
            )
        )
    ]

    after = run_client({"apiUrl": proxy.url}, [call], storage=storage)

    decisions = after.results[0][0]
    assert [each["source"] for each in decisions] == [
        *["stored"] * 3,
        *["fallback"] * 2,
    ]
    shown = [each["variant"] for each in before.results[0][0][:3]]
    assert [each["variant"] for each in decisions] == [*shown, FALLBACK, FALLBACK]
    assert after.codes == codes


def test_decisions_that_wait_for_consent_are_bounded(live_server: LiveServer) -> None:
    """A server without consent that runs for weeks must not keep all its users."""
    optimization = make_live_optimization(public_policy=True)
    key = factories.make_api_key(optimization.organization, "server", ("ingest",))
    requests = [_ask(optimization, anonymousId=f"user-{n}") for n in range(1_005)]

    session = run_client(
        {"apiUrl": live_server.url, "apiKey": key, "mode": "local", "consent": False},
        [("getVariants", {"requests": requests})],
        [("setConsent", {"isGranted": True}), ("sleep", {"ms": 10})],
    )

    assert session.errors == []
    assert FALLBACK not in session.results[0][0]
    assert len({each["anonymousId"] for each in session.exposures}) == 1_000

"""Remote decisions: those that the service records, in as few requests as possible."""

import pytest
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support.chaos_proxy import ChaosProxy
from tests.support.javascript_client import run_client
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

FALLBACK = {"headline": "fallback"}


def _ask(optimization: Optimization, **fields: object) -> dict[str, object]:
    return {"optimizationId": str(optimization.pk), "fallback": FALLBACK, **fields}


def test_a_remote_decision_is_the_one_that_the_service_records(
    live_server: LiveServer,
) -> None:
    optimization = make_live_optimization(holdout_percentage=30)
    requests = [
        _ask(optimization, anonymousId=f"visitor-{n} é", context={"device": "mobile"})
        for n in range(30)
    ]

    session = run_client(
        {"apiUrl": live_server.url}, [("getDecisions", {"requests": requests})]
    )

    assert session.errors == []
    recorded = {row.anonymous_id: row for row in Assignment.objects.all()}
    variants = {row.number: row.levels for row in optimization.variants.all()}
    decisions = session.results[0][0]
    assert len(recorded) == len(decisions) == 30
    assert {decision["inHoldout"] for decision in decisions} == {True, False}
    for decision in decisions:
        row = recorded[decision["anonymousId"]]
        assert decision["source"] == "remote"
        assert decision["variantNumber"] == row.variant_number
        assert decision["variant"] == variants[row.variant_number]
        assert decision["inHoldout"] == row.in_holdout
        assert decision["propensity"] == row.propensity


def test_optimizations_asked_in_one_tick_share_a_request_and_are_remembered(
    proxy: ChaosProxy,
) -> None:
    acme = make_organization()
    first, second, third = (make_optimization(acme) for _ in range(3))
    asked = [("getVariant", _ask(each)) for each in (first, second, third)]

    session = run_client({"apiUrl": f"{proxy.url}/"}, asked, [*asked, *asked])

    assert proxy.requests == [("POST", "/api/v2/optimizations/best-variants")]
    assert session.results[1] == session.results[0] * 2
    assert FALLBACK not in session.results[0]
    assert len(session.exposures) == 3
    assert Assignment.objects.filter(anonymous_id=session.anonymous_id).count() == 3


def test_more_than_twenty_optimizations_take_a_second_request(
    proxy: ChaosProxy,
) -> None:
    acme = make_organization()
    optimizations = [make_optimization(acme) for _ in range(21)]
    requests = [_ask(each) for each in optimizations]

    session = run_client(
        {"apiUrl": f"{proxy.url}/api/v2"}, [("getVariants", {"requests": requests})]
    )

    assert {path for _, path in proxy.requests} == {
        f"/api/v2/optimizations/{optimizations[20].pk}/serve",
        "/api/v2/optimizations/best-variants",
    }
    assert len(session.results[0][0]) == 21
    assert session.errors == []


def test_an_unknown_optimization_costs_the_others_nothing(
    live_server: LiveServer,
) -> None:
    optimization = make_live_optimization()
    unknown = {"optimizationId": "undefined", "fallback": FALLBACK}

    session = run_client(
        {"apiUrl": live_server.url},
        [("getVariants", {"requests": [unknown, _ask(optimization)]})],
    )

    fallback, variant = session.results[0][0]
    assert fallback == FALLBACK
    assert set(variant) == {"headline", "cta"}
    assert session.codes == ["not_found"]
    assert "No such optimization." in session.errors[0]


def test_nothing_is_recorded_before_the_visitor_agrees(
    live_server: LiveServer,
) -> None:
    optimization = make_live_optimization()
    options = {"apiUrl": live_server.url, "consent": False}

    before = run_client(options, [("getVariant", _ask(optimization))])

    assert (before.errors, before.exposures) == ([], [])
    assert before.results[0][0] != FALLBACK
    assert Assignment.objects.count() == 0

    after = run_client(
        options,
        [("getVariant", _ask(optimization))],
        [("setConsent", {"isGranted": True})],
        [("getVariant", _ask(optimization))],
    )

    assert Assignment.objects.get().anonymous_id == after.anonymous_id
    assert after.results[2] == after.results[0]
    assert len(after.exposures) == 1


def test_another_user_is_decided_for_after_identify(live_server: LiveServer) -> None:
    optimization = make_live_optimization()

    session = run_client(
        {"apiUrl": live_server.url, "anonymousId": "before"},
        [("getVariant", _ask(optimization))],
        [("identify", {"id": "after"})],
        [("getVariant", _ask(optimization))],
    )

    assert session.anonymous_id == "after"
    users = Assignment.objects.values_list("anonymous_id", flat=True)
    assert set(users) == {"before", "after"}

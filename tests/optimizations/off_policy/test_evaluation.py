"""Off-policy evaluation over HTTP: estimates, exclusions and refusals."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import CubeDay, Optimization
from tests.support import factories, traffic
from tests.support.factories import read_body, read_error
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_live_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

ESTIMATORS = {"ips", "snips", "doubly_robust"}


def truth(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a conversion rate at which headline B is twice as good."""
    return 0.4 if variant["headline"] == "B" else 0.2


def send_visitors(optimization: Optimization, days_ago: float = 5, **more: Any) -> None:
    """Send a day of 1,000 visitors under the serving policy."""
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, 1000, truth, **more)


def evaluate(optimization: Optimization, policy: Any, **more: Any) -> Any:
    """Request an evaluation as a plain member."""
    api = factories.make_member_api(optimization.organization)
    path = f"/optimizations/{optimization.pk}/evaluate"
    return api.post(path, {"policy": policy, **more})


def is_near(estimate: dict[str, Any], expected: float) -> bool:
    """Return whether the value is within four standard errors of the expected one.

    Every test draws new users.
    """
    low, high = estimate["interval"]
    assert low < estimate["value"] < high
    return bool(abs(estimate["value"] - expected) < high - low)


def test_a_variant_is_evaluated_as_if_every_user_saw_it() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization)
    train_model(optimization)

    response = evaluate(optimization, {"variant": 3})

    assert response.status_code == 200, response.content
    body = read_body(response)
    assert set(body["estimators"]) == set(body["served"]) == ESTIMATORS
    for estimate in body["estimators"].values():
        assert is_near(estimate, 0.4)
        assert 100 < estimate["effective_sample_size"] < 400
    assert is_near(body["served"]["doubly_robust"], 0.3)
    assert is_near(body["difference"], 0.1)
    assert body["policy"] == {"variant": 3}
    assert body["unavailable"] == {}
    assert body["users"]["used"] == 1000
    assert set(body["users"]["left_out"].values()) == {0}


def test_the_holdout_evaluates_the_baseline_too() -> None:
    optimization = make_live_optimization(holdout_percentage=50)
    send_visitors(optimization)
    train_model(optimization)

    first, second = [read_body(evaluate(optimization, {"variant": n})) for n in (1, 2)]

    # 625 of 1,000 saw variant 1, of whom 500 were in the holdout; 125 saw variant 2.
    assert first["estimators"]["snips"]["effective_sample_size"] > 500
    assert second["estimators"]["snips"]["effective_sample_size"] < 200


def test_a_version_is_evaluated_by_later_users() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 5)
    train_model(optimization)
    send_visitors(optimization, 4, seed=1)
    train_model(optimization)

    since = read_body(evaluate(optimization, {"version": 1}))
    overall = read_body(evaluate(optimization, {"version": 1}, from_version=0))

    assert since["from_version"] == 1
    assert since["users"]["used"] == 1000
    assert since["users"]["left_out"]["outside_versions"] == 1000
    assert since["users"]["learned_from"] == 0
    # That version served those users, so nothing differs.
    assert since["difference"]["value"] == pytest.approx(0, abs=1e-12)
    assert since["estimators"] == since["served"]
    assert overall["users"]["used"] == 2000
    assert overall["users"]["learned_from"] == 1000
    assert overall["difference"]["value"] > 0


def test_without_context_evaluates_a_learner_that_sees_no_context() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 5)
    train_model(optimization)
    send_visitors(optimization, 4, seed=1)
    train_model(optimization)

    body = read_body(evaluate(optimization, "without_context"))

    assert body["policy"] == "without_context"
    assert body["users"]["used"] == 2000
    # No rate depends on the context here, so seeing it earns nothing.
    assert is_near(body["difference"], 0)


def test_without_users_every_figure_is_unavailable() -> None:
    optimization = make_live_optimization()

    body = read_body(evaluate(optimization, {"version": 0}))

    assert body["estimators"] is body["served"] is body["difference"] is None
    assert set(body["unavailable"]) == {"estimators", "served", "difference"}
    assert body["as_of"] is None


def test_too_few_users_are_withheld_with_the_reason() -> None:
    optimization = make_live_optimization()
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 90, truth)
    train_model(optimization)

    body = read_body(evaluate(optimization, {"variant": 2}))

    assert body["estimators"] is None
    assert body["unavailable"]["estimators"] == (
        "only 90 users are usable; 100 are needed"
    )


def test_exposures_without_a_policy_version_are_left_out_and_counted() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization)
    at = (timezone.now() - timedelta(days=4)).isoformat()
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(optimization, f"no-version-{n}", timestamp=at)
            for n in range(7)
        ]
        + [
            traffic.build_exposure(
                optimization, f"no-such-{n}", timestamp=at, policy_version=9
            )
            for n in range(5)
        ],
    )
    train_model(optimization)

    users = read_body(evaluate(optimization, {"variant": 2}))["users"]

    assert users["used"] == 1000
    assert users["left_out"]["without_version"] == 7
    assert users["left_out"]["unknown_version"] == 5


def test_a_variant_without_probability_is_refused_by_name() -> None:
    optimization = make_live_optimization(
        excluded_combinations=[{"headline": "B", "cta": True}]
    )
    send_visitors(optimization)
    train_model(optimization)
    stored = list(CubeDay.objects.values())

    refused = evaluate(optimization, {"variant": 4})

    assert refused.status_code == 409
    error = read_error(refused)
    assert "variant 4 had no probability under policy version 0" in error["message"]
    assert error["details"][0]["field"] == "policy"
    assert list(CubeDay.objects.values()) == stored
    assert evaluate(optimization, {"variant": 3}).status_code == 200


def test_users_from_before_a_variant_was_disabled_still_evaluate_it() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 5)
    create_update.set_variant_enabled(
        optimization, 2, enabled=False, actor=SYSTEM_ACTOR
    )
    optimization.model.refresh_from_db()
    send_visitors(optimization, 4, seed=1)
    train_model(optimization)

    refused = evaluate(optimization, {"variant": 2})
    before = evaluate(optimization, {"variant": 2}, to_version=0)

    assert refused.status_code == 409
    assert "policy version 1" in read_error(refused)["message"]
    assert before.status_code == 200
    assert read_body(before)["users"]["used"] == 1000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "policy"),
        ({"policy": "with_context"}, "policy"),
        ({"policy": {}}, "policy"),
        ({"policy": {"variant": 1, "version": 0}}, "policy"),
        ({"policy": {"variants": 1}}, "policy.variants"),
        ({"policy": {"variant": "1"}}, "policy.variant"),
        ({"policy": {"variant": 0}}, "policy.variant"),
        ({"policy": {"variant": 5}}, "policy.variant"),
        ({"policy": {"variant": None}}, "policy.variant"),
        ({"policy": {"version": 7}}, "policy.version"),
        ({"policy": {"version": -1}}, "policy.version"),
        ({"policy": {"variant": 1}, "users": 3}, "users"),
        ({"policy": {"variant": 1}, "from_version": -1}, "from_version"),
        ({"policy": {"variant": 1}, "from_version": 2, "to_version": 1}, "to_version"),
    ],
)
def test_an_invalid_request_is_refused_by_field(
    body: dict[str, Any], field: str
) -> None:
    optimization = make_live_optimization()
    api = factories.make_member_api(optimization.organization)

    response = api.post(f"/optimizations/{optimization.pk}/evaluate", body)

    assert response.status_code == 400, response.content
    assert [detail["field"] for detail in read_error(response)["details"]] == [field]


def test_drafts_strangers_and_anonymous_requests_get_no_evaluation() -> None:
    draft = make_live_optimization(status="draft")
    live = make_live_optimization()
    stranger = factories.make_admin_api(make_organization())
    body = {"policy": {"variant": 1}}

    refused = evaluate(draft, {"variant": 1})
    foreign = stranger.post(f"/optimizations/{live.pk}/evaluate", body)
    nobody = factories.Api().post(f"/optimizations/{live.pk}/evaluate", body)

    assert refused.status_code == 409
    assert foreign.status_code == 404
    assert nobody.status_code == 401

"""Off-policy evaluation over HTTP: what another policy would have earned, and refusals."""

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
    """Headline B is twice as good."""
    return 0.4 if variant["headline"] == "B" else 0.2


def visited(optimization: Optimization, days_ago: float = 5, **more: Any) -> None:
    """Send a day of 1,000 visitors under the policy in force."""
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, 1000, truth, **more)


def ask(optimization: Optimization, policy: Any, **more: Any) -> Any:
    """Post the question as a plain member."""
    api = factories.make_member_api(optimization.organization)
    place = f"/optimizations/{optimization.pk}/evaluate"
    return api.post(place, {"policy": policy, **more})


def near(estimate: dict[str, Any], expected: float) -> bool:
    """Within four standard errors; users are new ones in every test."""
    low, high = estimate["interval"]
    assert low < estimate["value"] < high
    return bool(abs(estimate["value"] - expected) < high - low)


def test_a_variant_that_was_shown_to_some_is_valued_as_if_shown_to_all() -> None:
    optimization = make_live_optimization()
    visited(optimization)
    train_model(optimization)

    answer = ask(optimization, {"variant": 3})

    assert answer.status_code == 200, answer.content
    body = read_body(answer)
    assert set(body["estimators"]) == set(body["served"]) == ESTIMATORS
    for estimate in body["estimators"].values():
        assert near(estimate, 0.4)
        assert 100 < estimate["effective_sample_size"] < 400
    assert near(body["served"]["doubly_robust"], 0.3)
    assert near(body["difference"], 0.1)
    assert body["policy"] == {"variant": 3}
    assert body["unavailable"] == {}
    assert body["users"]["used"] == 1000
    assert set(body["users"]["left_out"].values()) == {0}


def test_the_baseline_draws_on_the_holdout_as_well() -> None:
    optimization = make_live_optimization(holdout_percentage=50)
    visited(optimization)
    train_model(optimization)

    one, other = [read_body(ask(optimization, {"variant": n})) for n in (1, 2)]

    # 625 of 1,000 saw variant 1, of whom 500 were held out; 125 saw variant 2.
    assert one["estimators"]["snips"]["effective_sample_size"] > 500
    assert other["estimators"]["snips"]["effective_sample_size"] < 200


def test_a_version_is_judged_by_users_who_came_since() -> None:
    optimization = make_live_optimization()
    visited(optimization, 5)
    train_model(optimization)
    visited(optimization, 4, seed=1)
    train_model(optimization)

    since = read_body(ask(optimization, {"version": 1}))
    all_of_them = read_body(ask(optimization, {"version": 1}, from_version=0))

    assert since["from_version"] == 1
    assert since["users"]["used"] == 1000
    assert since["users"]["left_out"]["outside_versions"] == 1000
    assert since["users"]["learned_from"] == 0
    # It is what served those users: nothing is left to differ.
    assert since["difference"]["value"] == pytest.approx(0, abs=1e-12)
    assert since["estimators"] == since["served"]
    assert all_of_them["users"]["used"] == 2000
    assert all_of_them["users"]["learned_from"] == 1000
    assert all_of_them["difference"]["value"] > 0


def test_without_context_is_what_the_learner_would_do_blindfold() -> None:
    optimization = make_live_optimization()
    visited(optimization, 5)
    train_model(optimization)
    visited(optimization, 4, seed=1)
    train_model(optimization)

    body = read_body(ask(optimization, "without_context"))

    assert body["policy"] == "without_context"
    assert body["users"]["used"] == 2000
    # Nothing depends on the context here, so seeing it earns nothing.
    assert near(body["difference"], 0)


def test_before_any_training_everybody_is_served_alike() -> None:
    optimization = make_live_optimization()

    body = read_body(ask(optimization, {"version": 0}))

    assert body["estimators"] is body["served"] is body["difference"] is None
    assert set(body["unavailable"]) == {"estimators", "served", "difference"}
    assert body["as_of"] is None


def test_too_few_users_are_withheld_with_the_reason() -> None:
    optimization = make_live_optimization()
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 90, truth)
    train_model(optimization)

    body = read_body(ask(optimization, {"variant": 2}))

    assert body["estimators"] is None
    assert body["unavailable"]["estimators"] == "90 users can be used, 100 are needed"


def test_exposures_without_a_policy_version_are_left_out_and_counted() -> None:
    optimization = make_live_optimization()
    visited(optimization)
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

    users = read_body(ask(optimization, {"variant": 2}))["users"]

    assert users["used"] == 1000
    assert users["left_out"]["without_version"] == 7
    assert users["left_out"]["unknown_version"] == 5


def test_a_variant_that_could_not_be_shown_is_refused_by_name() -> None:
    optimization = make_live_optimization(
        excluded_combinations=[{"headline": "B", "cta": True}]
    )
    visited(optimization)
    train_model(optimization)
    counted = list(CubeDay.objects.values())

    refused = ask(optimization, {"variant": 4})

    assert refused.status_code == 409
    error = read_error(refused)
    assert "variant 4 had no probability under policy version 0" in error["message"]
    assert error["details"][0]["field"] == "policy"
    assert list(CubeDay.objects.values()) == counted
    assert ask(optimization, {"variant": 3}).status_code == 200


def test_users_from_before_a_variant_was_disabled_still_speak_for_it() -> None:
    optimization = make_live_optimization()
    visited(optimization, 5)
    create_update.set_variant_enabled(
        optimization, 2, enabled=False, actor=SYSTEM_ACTOR
    )
    optimization.model.refresh_from_db()
    visited(optimization, 4, seed=1)
    train_model(optimization)

    refused = ask(optimization, {"variant": 2})
    before = ask(optimization, {"variant": 2}, to_version=0)

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
def test_a_question_that_makes_no_sense_is_refused_by_field(
    body: dict[str, Any], field: str
) -> None:
    optimization = make_live_optimization()
    api = factories.make_member_api(optimization.organization)

    answer = api.post(f"/optimizations/{optimization.pk}/evaluate", body)

    assert answer.status_code == 400, answer.content
    assert [one["field"] for one in read_error(answer)["details"]] == [field]


def test_a_draft_has_nothing_to_evaluate_and_a_stranger_sees_nothing() -> None:
    draft = make_live_optimization(status="draft")
    own = make_live_optimization()
    stranger = factories.make_admin_api(make_organization())
    question = {"policy": {"variant": 1}}

    refused = ask(draft, {"variant": 1})
    foreign = stranger.post(f"/optimizations/{own.pk}/evaluate", question)
    nobody = factories.Api().post(f"/optimizations/{own.pk}/evaluate", question)

    assert refused.status_code == 409
    assert foreign.status_code == 404
    assert nobody.status_code == 401

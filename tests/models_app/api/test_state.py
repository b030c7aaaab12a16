"""State and policy over HTTP: what was learned, and the table that serves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.celery import app
from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.factories import Api, read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_config,
    make_factor,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)


def learned(optimization: Optimization) -> None:
    """Train here and now, and leave no task of it to a worker."""
    train_model(optimization)
    app.control.purge()


def test_state_tells_what_was_learned(optimization: Optimization, api: Api) -> None:
    place = f"/models/{optimization.model_id}/state"
    before = read_body(api.get(place))
    learned(optimization)

    state = read_body(api.get(place))

    assert [row["weight"] for row in before["variants"]] == [None] * 4
    assert (before["contexts"], before["coefficients"]) == ([], [])
    assert [row["number"] for row in state["variants"]] == [1, 2, 3, 4]
    assert sum(row["exposures"] for row in state["variants"]) == 400
    assert sum(row["weight"] for row in state["variants"]) == pytest.approx(0.75)
    best = max(state["variants"], key=lambda row: row["prob_best"])
    assert best["variant"]["headline"] == "B"
    assert best["expected_reward_lo"] < best["expected_reward_hi"]
    contexts = [row["context"] for row in state["contexts"]]
    assert contexts == [{"device": "mobile"}, {"device": "desktop"}]
    for row in state["contexts"]:
        assert len(row["variants"]) == 4
    counted = [
        each["exposures"] for row in state["contexts"] for each in row["variants"]
    ]
    assert sum(counted) == 400


def test_a_context_level_called_other_keeps_its_own_counts() -> None:
    device = make_factor("device", "mobile", "other")
    found = make_optimization(
        make_organization(),
        training_data_config=make_config(context_factors=[device]),
    )
    sent = ["mobile", "other", "other", "other", "tv", "tv", None]
    events = [
        traffic.build_exposure(
            found,
            f"user {number}",
            context={"device": value},
            timestamp=(timezone.now() - timedelta(days=3)).isoformat(),
        )
        for number, value in enumerate(sent)
    ]
    traffic.send_exposures(found, events)
    learned(found)

    state = read_body(
        factories.make_member_api(found.organization).get(
            f"/models/{found.model_id}/state"
        )
    )

    counted = [
        (row["context"]["device"], sum(each["exposures"] for each in row["variants"]))
        for row in state["contexts"]
    ]
    assert counted == [("mobile", 1), ("other", 3), ({"other": True}, 2), (None, 1)]


def test_state_says_which_variants_are_enabled_since(
    optimization: Optimization, api: Api
) -> None:
    learned(optimization)
    trained = read_body(api.get(f"/models/{optimization.model_id}/state"))["trained_at"]
    api.patch(f"/optimizations/{optimization.pk}/variants/3", {"enabled": False})

    state = read_body(api.get(f"/models/{optimization.model_id}/state"))
    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))
    progress = read_body(api.get(f"/optimizations/{optimization.pk}/progress"))

    enabled = [row["enabled"] for row in state["variants"]]
    assert enabled == [True, True, False, True]
    assert state["trained_at"] == trained
    weights = [row["weight"] for row in state["variants"]]
    assert weights[2] == 0
    assert weights == pytest.approx([row["weight"] for row in results["variants"]])
    assert progress["winner"]["share"] == pytest.approx(max(weights) / sum(weights))
    assert sum(weights) == pytest.approx(0.75)
    for row in state["contexts"]:
        assert [each["enabled"] for each in row["variants"]] == enabled
        assert row["variants"][2]["weight"] == 0
        here = sum(each["weight"] for each in row["variants"])
        assert here == pytest.approx(0.75)


def test_the_policy_is_a_table_that_a_client_may_hold(
    optimization: Optimization, api: Api
) -> None:
    place = f"/models/{optimization.model_id}/policy"
    start = api.get(place)

    unchanged = api.get(place, If_None_Match=start["ETag"])
    learned(optimization)
    policy = api.get(place, If_None_Match=start["ETag"])

    assert unchanged.status_code == 304
    assert policy.status_code == 200
    first, after = read_body(start), read_body(policy)
    assert (first["version"], after["version"]) == (0, 1)
    assert first["contexts"][0]["probabilities"] == [0.25] * 4
    assert [row["context"] for row in after["contexts"]] == [
        {"device": "mobile"},
        {"device": "desktop"},
        {"device": {"other": True}},
        {"device": None},
    ]
    for row in after["contexts"]:
        assert sum(row["probabilities"]) == pytest.approx(1.0)
    assert after["holdout"]["percentage"] == 25
    assert after["holdout"]["threshold"] == "40000000"


def test_a_draft_has_no_policy_yet() -> None:
    organization = make_organization()
    draft = make_optimization(organization, status="draft")

    answer = factories.make_member_api(organization).get(
        f"/models/{draft.model_id}/policy"
    )

    assert answer.status_code == 409


def test_a_shipped_ones_policy_is_what_everybody_is_served(
    optimization: Optimization, api: Api
) -> None:
    learned(optimization)
    admin = factories.make_admin_api(optimization.organization)
    shipped = admin.post(f"/optimizations/{optimization.pk}/ship")

    policy = read_body(api.get(f"/models/{optimization.model_id}/policy"))

    assert (shipped.status_code, policy["status"]) == (200, "shipped")
    for row in policy["contexts"][:2]:
        asked = {"anonymous_id": "anybody", "context": row["context"]}
        served = read_body(api.post(f"/optimizations/{optimization.pk}/serve", asked))
        expected = [0.0] * 4
        expected[served["variant_number"] - 1] = 1.0
        assert row["probabilities"] == expected

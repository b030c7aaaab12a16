"""The state and the policy of a model over HTTP."""

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


def train_here(optimization: Optimization) -> None:
    """Train in this process, and leave no task for a worker."""
    train_model(optimization)
    app.control.purge()


def test_state_returns_counts_and_figures(optimization: Optimization, api: Api) -> None:
    path = f"/models/{optimization.model_id}/state"
    before = read_body(api.get(path))
    train_here(optimization)

    state = read_body(api.get(path))

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
    exposures = [
        variant["exposures"] for row in state["contexts"] for variant in row["variants"]
    ]
    assert sum(exposures) == 400


def test_a_context_level_called_other_keeps_its_own_counts() -> None:
    device = make_factor("device", "mobile", "other")
    optimization = make_optimization(
        make_organization(),
        training_data_config=make_config(context_factors=[device]),
    )
    devices = ["mobile", "other", "other", "other", "tv", "tv", None]
    events = [
        traffic.build_exposure(
            optimization,
            f"user {number}",
            context={"device": value},
            timestamp=(timezone.now() - timedelta(days=3)).isoformat(),
        )
        for number, value in enumerate(devices)
    ]
    traffic.send_exposures(optimization, events)
    train_here(optimization)

    state = read_body(
        factories.make_member_api(optimization.organization).get(
            f"/models/{optimization.model_id}/state"
        )
    )

    exposures = [
        (row["context"]["device"], sum(v["exposures"] for v in row["variants"]))
        for row in state["contexts"]
    ]
    assert exposures == [("mobile", 1), ("other", 3), ({"other": True}, 2), (None, 1)]


def test_state_says_which_variants_are_enabled_now(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    before = read_body(api.get(f"/models/{optimization.model_id}/state"))
    api.patch(f"/optimizations/{optimization.pk}/variants/3", {"enabled": False})

    state = read_body(api.get(f"/models/{optimization.model_id}/state"))
    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))
    progress = read_body(api.get(f"/optimizations/{optimization.pk}/progress"))

    enabled = [row["enabled"] for row in state["variants"]]
    assert enabled == [True, True, False, True]
    assert state["trained_at"] == before["trained_at"]
    weights = [row["weight"] for row in state["variants"]]
    assert weights[2] == 0
    assert weights == pytest.approx([row["weight"] for row in results["variants"]])
    assert progress["winner"] is None
    assert sum(weights) == pytest.approx(0.75)
    for row in state["contexts"]:
        assert [variant["enabled"] for variant in row["variants"]] == enabled
        assert row["variants"][2]["weight"] == 0
        total = sum(variant["weight"] for variant in row["variants"])
        assert total == pytest.approx(0.75)


def test_the_policy_is_a_table_that_clients_may_cache(
    optimization: Optimization, api: Api
) -> None:
    path = f"/models/{optimization.model_id}/policy"
    start = api.get(path)

    unchanged = api.get(path, If_None_Match=start["ETag"])
    train_here(optimization)
    policy = api.get(path, If_None_Match=start["ETag"])

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

    response = factories.make_member_api(organization).get(
        f"/models/{draft.model_id}/policy"
    )

    assert response.status_code == 409


def test_the_policy_of_a_shipped_optimization_serves_one_variant(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    admin = factories.make_admin_api(optimization.organization)
    shipped = admin.post(f"/optimizations/{optimization.pk}/ship")

    policy = read_body(api.get(f"/models/{optimization.model_id}/policy"))

    assert (shipped.status_code, policy["status"]) == (200, "shipped")
    for row in policy["contexts"][:2]:
        request = {"anonymous_id": "anybody", "context": row["context"]}
        served = read_body(api.post(f"/optimizations/{optimization.pk}/serve", request))
        expected = [0.0] * 4
        expected[served["variant_number"] - 1] = 1.0
        assert row["probabilities"] == expected

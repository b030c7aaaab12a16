"""The calibration gate for every kind of reward model, and all that it withholds."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import Organization
from metrics.models import Metric
from optimizations.models import Optimization
from tests.support import factories, traffic, unhealthy_worlds, value_metrics
from tests.support.factories import read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_config,
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)

MISSED = "the model's baseline does not reproduce the recent holdout mean"
KINDS = ("bool", "hurdle", "mean", "outcomes")


def unchanged_rate(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a conversion rate at which headline B is better."""
    return 0.3 if variant["headline"] == "B" else 0.2


def high_rate(_variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a high conversion rate, the same for every variant."""
    return 0.6


def make_purchase(kind: str) -> traffic.Purchase:
    """Return a function that draws a purchase for this kind of reward model."""

    def purchase(rng: random.Random, _variant: traffic.Json) -> traffic.Json:
        if kind == "outcomes":
            return {"name": "pro" if rng.random() < 0.4 else "basic"}
        value = rng.lognormvariate(3.0, 0.5)
        refunded = kind == "mean" and rng.random() < 0.1
        return {} if kind == "bool" else {"value": -value if refunded else value}

    return purchase


def make_metric_for(organization: Organization, kind: str) -> Metric:
    """Make a metric whose rewards this kind of model learns."""
    if kind == "bool":
        return make_metric(organization)
    return value_metrics.make_metric(
        organization, "outcomes" if kind == "outcomes" else "numeric"
    )


def make_trained(kind: str, *, lose_rewards: bool = False) -> Optimization:
    """Make an optimization trained on 1,500 visitors, three in ten in the holdout.

    With `lose_rewards`, no reward of the holdout arrives.
    """
    organization = make_organization()
    metric = make_metric_for(organization, kind)
    optimization = make_optimization(
        organization,
        holdout_percentage=30,
        reward_metric_id=metric.pk,
        training_data_config=make_config(
            reward={"name": "spent", "type": metric.reward_type}
        ),
    )
    start = timezone.now() - timedelta(days=5)
    traffic.simulate_visitors(
        optimization, start, 1500, unchanged_rate, purchase=make_purchase(kind)
    )
    if lose_rewards:
        unhealthy_worlds.lose_rewards_of_holdout(optimization)
    train_model(optimization)
    return optimization


def send_another_day(
    optimization: Optimization, kind: str, truth: traffic.Truth
) -> None:
    """Send another day of 1,500 visitors."""
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(
        optimization, start, 1500, truth, seed=1, purchase=make_purchase(kind)
    )


def read(optimization: Optimization, path: str) -> dict[str, Any]:
    """Return the body of a GET as a member."""
    return read_body(factories.make_member_api(optimization.organization).get(path))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_model_reproduces_the_holdout_it_was_trained_on(kind: str) -> None:
    optimization = make_trained(kind)
    send_another_day(optimization, kind, unchanged_rate)

    results = f"/optimizations/{optimization.pk}/results?refresh=true"
    body = read(optimization, results)

    sanity = body["checks"]["baseline_sanity"]
    assert sanity["ok"] is True, sanity
    assert body["stats"]["best_vs_baseline_interval"] is not None
    reward_model = "chance" if kind == "bool" else kind
    assert body["model"]["reward_model"] == reward_model
    assert bool(body["model"]["notes"]) == (kind == "mean")
    assert list_nulls_without_reason(body) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_model_that_misses_the_holdout_is_withheld(
    kind: str,
) -> None:
    optimization = make_trained(kind)
    send_another_day(optimization, kind, high_rate)

    path = f"/optimizations/{optimization.pk}"
    body = read(optimization, f"{path}/results?refresh=true")
    progress = read(optimization, f"{path}/progress")

    assert body["checks"]["baseline_sanity"]["ok"] is False
    assert set(body["stats"].values()) == {None}
    assert {row["deviation"] for row in body["interactions"]} == {None}
    assert {row["kind"] for row in body["interactions"]} == {None}
    modeled = {row["estimated_improvement_percent"] for row in body["contexts"]}
    assert modeled == {None}
    assert body["unavailable"]["interactions[0].deviation"] == MISSED
    for name in ("expected_reward_mean", "expected_reward_lo", "expected_reward_hi"):
        assert {row[name] for row in body["variants"]} == {None}
        assert body["unavailable"][f"variants.{name}"] == MISSED
    assert body["factor_utilities"] is None
    percent = "contexts[0].estimated_improvement_percent"
    assert body["unavailable"][percent] == MISSED
    for name in ("best_variant", "prob_best"):
        assert {row[name] for row in body["contexts"]} == {None}
        assert body["unavailable"][f"contexts[0].{name}"] == MISSED
    assert None not in {row["prob_best"] for row in body["variants"]}
    assert body["model"]["notes"][-1] == MISSED
    for name in ("estimated_progress", "days_to_decision"):
        assert progress[name] is None
        assert progress["unavailable"][name] == MISSED
    # Measured lift needs no model.
    assert {row["lift_percent"] for row in body["contexts"]} != {None}
    assert list_nulls_without_reason(body) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_holdout_whose_rewards_are_lost_fails_and_is_named_for_every_kind(
    kind: str,
) -> None:
    optimization = make_trained(kind, lose_rewards=True)

    body = read(optimization, f"/optimizations/{optimization.pk}/results")
    progress = read(optimization, f"/optimizations/{optimization.pk}/progress")

    assert body["checks"]["baseline_sanity"]["ok"] is False
    assert [reason["code"] for reason in body["health"]["reasons"]] == [
        "baseline_sanity"
    ]
    assert set(body["stats"].values()) == {None}
    assert progress["winner"] is None


def test_gains_and_rewards_of_a_state_are_withheld_where_the_model_misses_the_holdout() -> (
    None
):
    optimization = make_trained("bool")
    trusted = read(optimization, f"/models/{optimization.model_id}/state")
    missed = make_trained("bool", lose_rewards=True)

    withheld = read(missed, f"/models/{missed.model_id}/state")

    assert trusted["reward_model"] == withheld["reward_model"] == "chance"
    assert trusted["unavailable"] == {}
    assert None not in {row["expected_gain"] for row in trusted["contexts"]}
    assert {row["expected_gain"] for row in withheld["contexts"]} == {None}
    assert None not in {row["best_variant"] for row in trusted["contexts"]}
    assert {row["best_variant"] for row in withheld["contexts"]} == {None}
    for name in ("expected_gain", "best_variant", "prob_best"):
        assert withheld["unavailable"][f"contexts.{name}"] == MISSED
    for name in ("expected_reward_mean", "expected_reward_lo", "expected_reward_hi"):
        assert {row[name] for row in withheld["variants"]} == {None}
        assert withheld["unavailable"][f"variants.{name}"] == MISSED
    assert None not in {row["prob_best"] for row in withheld["variants"]}

"""From events with amounts or outcomes to a policy that serves, end to end."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import Organization
from metrics.models import Metric
from models_app import versions
from models_app.models import BanditModel
from optimizations.models import Optimization
from optimizations.results.report import build_results
from optimizations.training import schedule
from optimizations.training.run import run_training
from tests.support import optimization_factories, traffic
from tests.support.factories import Api, member_token, read_body
from tests.support.learning import train_model
from tests.support.value_metrics import make_metric

pytestmark = pytest.mark.django_db(transaction=True)


def often(variant: traffic.Json, context: traffic.Json) -> float:
    """Headline A sells a little more often than B."""
    del context
    return 0.22 if variant["headline"] == "A" else 0.18


def for_much(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Sell for twice as much with headline B; mean amounts 22.6 and 45.2."""
    centre = 3.7 if variant["headline"] == "B" else 3.0
    return {"value": rng.lognormvariate(centre, 0.5)}


def mostly_pro(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Headline B sells pro to most, A to few."""
    share = 0.7 if variant["headline"] == "B" else 0.2
    return {"name": "pro" if rng.random() < share else "basic"}


def lived(kind: str, purchase: traffic.Purchase, **fields: Any) -> Optimization:
    """Make an optimization for such rewards and let it see three days of visitors."""
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization,
        holdout_percentage=20,
        reward_metric_id=make_metric(organization, kind, **fields).pk,
        training_data_config=optimization_factories.make_config(
            reward={"name": "spent", "type": kind}
        ),
    )
    for day in range(5, 2, -1):
        start = timezone.now() - timedelta(days=day)
        traffic.simulate_visitors(
            optimization, start, 1200, often, seed=day, purchase=purchase
        )
    return optimization


def shares_of_b(optimization: Optimization) -> tuple[float, float]:
    """Return the least and the most that headline B gets in any context cell."""
    table = versions.read_table(versions.get_serving_version(optimization.model))
    shares = table[:, [2, 3]].sum(axis=1)
    return float(shares.min()), float(shares.max())


def test_the_variant_that_earns_more_wins_though_it_sells_less_often() -> None:
    optimization = lived("numeric", for_much)

    run = train_model(optimization)

    assert optimization.model.status == BanditModel.Status.TRAINED
    assert shares_of_b(optimization)[0] > 0.9
    shown = build_results(optimization)
    rewards = {row["number"]: row for row in shown.variants}
    a, b = (rewards[number]["expected_reward_mean"] for number in (1, 3))
    assert a == pytest.approx(0.22 * 22.6, rel=0.25)
    assert b == pytest.approx(0.18 * 45.2, rel=0.25)
    assert shown.stats["best_vs_baseline_percent"] > 20
    assert shown.checks["baseline_sanity"]["ok"] is True
    told = run.in_sample_metrics
    assert told is not None
    assert told["historic_reward"] == pytest.approx((a + b) / 2, rel=0.2)
    assert told["expected_reward"]["mean"] == pytest.approx(b, rel=0.2)
    report = versions.get_serving_version(optimization.model).report
    assert report is not None
    assert (report["reward_model"], report["notes"]) == ("hurdle", [])


def test_the_variant_of_the_dearer_outcomes_wins_though_it_sells_less_often() -> None:
    optimization = lived("outcomes", mostly_pro)

    train_model(optimization)

    assert shares_of_b(optimization)[0] > 0.9
    shown = build_results(optimization)
    rewards = {row["number"]: row for row in shown.variants}
    a, b = (rewards[number]["expected_reward_mean"] for number in (1, 3))
    assert a == pytest.approx(0.22 * (0.8 * 1 + 0.2 * 5), rel=0.25)
    assert b == pytest.approx(0.18 * (0.3 * 1 + 0.7 * 5), rel=0.25)
    assert shown.checks["baseline_sanity"]["ok"] is True


def test_where_less_is_better_the_variant_that_costs_less_is_served() -> None:
    optimization = lived("numeric", for_much, direction=Metric.Direction.DECREASE)

    train_model(optimization)

    assert shares_of_b(optimization)[1] < 0.1


def test_refunds_are_learned_from_and_the_stored_report_says_how() -> None:
    def with_refunds(rng: random.Random, variant: traffic.Json) -> traffic.Json:
        value = for_much(rng, variant)["value"]
        return {"value": -value if rng.random() < 0.25 else value}

    optimization = lived("numeric", with_refunds)

    train_model(optimization)

    report = versions.get_serving_version(optimization.model).report
    assert report is not None
    assert report["reward_model"] == "mean"
    assert "negative" in report["notes"][0]
    assert shares_of_b(optimization)[0] > 0.6


def test_the_clock_asks_for_every_kind_and_the_model_shows_amounts() -> None:
    optimization = lived("numeric", for_much)

    asked = schedule.retrain_due()

    assert asked == 1
    run = optimization.model.training_runs.get()
    run_training(run.pk)
    token = member_token(Organization.objects.get(pk=optimization.organization_id))
    api = Api(token)
    answer = api.get(f"/models/{optimization.model_id}/state")
    state = read_body(answer)
    assert state["variants"][2]["expected_reward_mean"] > 5
    assert {row["part"] for row in state["coefficients"]} == {"paid", "amount"}

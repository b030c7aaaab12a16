"""The learning loop end to end, with amounts and with outcomes."""

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
from optimizations.results.readings.report import build_results
from optimizations.training import schedule
from optimizations.training.run import run_training
from tests.support import optimization_factories, traffic
from tests.support.factories import Api, member_token, read_body
from tests.support.learning import train_model
from tests.support.value_metrics import make_metric

pytestmark = pytest.mark.django_db(transaction=True)


def headline_a_rate(variant: traffic.Json, context: traffic.Json) -> float:
    """Return a conversion rate at which headline A sells a bit more often than B."""
    del context
    return 0.22 if variant["headline"] == "A" else 0.18


def draw_amount(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Draw an amount that is twice as high with headline B: means 22.6 and 45.2."""
    center = 3.7 if variant["headline"] == "B" else 3.0
    return {"value": rng.lognormvariate(center, 0.5)}


def draw_plan(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Draw a plan: with headline B mostly pro, with A rarely."""
    share = 0.7 if variant["headline"] == "B" else 0.2
    return {"name": "pro" if rng.random() < share else "basic"}


def make_visited_optimization(
    kind: str, purchase: traffic.Purchase, **fields: Any
) -> Optimization:
    """Make an optimization for such rewards with three days of visitors."""
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
            optimization, start, 1200, headline_a_rate, seed=day, purchase=purchase
        )
    return optimization


def shares_of_b(optimization: Optimization) -> tuple[float, float]:
    """Return the smallest and the largest share of headline B in any context cell."""
    table = versions.read_table(versions.get_serving_version(optimization.model))
    shares = table[:, [2, 3]].sum(axis=1)
    return float(shares.min()), float(shares.max())


def test_the_variant_that_earns_more_wins_although_it_sells_less_often() -> None:
    optimization = make_visited_optimization("numeric", draw_amount)

    run = train_model(optimization)

    assert optimization.model.status == BanditModel.Status.TRAINED
    assert shares_of_b(optimization)[0] > 0.9
    results = build_results(optimization)
    rewards = {row.number: row for row in results.variants}
    a, b = (rewards[number].expected_reward_mean for number in (1, 3))
    assert a is not None
    assert b is not None
    assert a == pytest.approx(0.22 * 22.6, rel=0.25)
    assert b == pytest.approx(0.18 * 45.2, rel=0.25)
    assert (results.stats.best_vs_baseline_percent or 0) > 20
    assert results.checks["baseline_sanity"].ok is True
    metrics = run.in_sample_metrics
    assert metrics is not None
    assert metrics["historic_reward"] == pytest.approx((a + b) / 2, rel=0.2)
    assert metrics["expected_reward"]["mean"] == pytest.approx(b, rel=0.2)
    report = versions.get_serving_version(optimization.model).report
    assert report is not None
    assert (report["reward_model"], report["notes"]) == ("hurdle", [])


def test_the_variant_of_the_dearer_outcomes_wins_although_it_sells_less_often() -> None:
    optimization = make_visited_optimization("outcomes", draw_plan)

    train_model(optimization)

    assert shares_of_b(optimization)[0] > 0.9
    results = build_results(optimization)
    rewards = {row.number: row for row in results.variants}
    a, b = (rewards[number].expected_reward_mean for number in (1, 3))
    assert a == pytest.approx(0.22 * (0.8 * 1 + 0.2 * 5), rel=0.25)
    assert b == pytest.approx(0.18 * (0.3 * 1 + 0.7 * 5), rel=0.25)
    assert results.checks["baseline_sanity"].ok is True


def test_where_less_is_better_the_variant_that_costs_less_is_served() -> None:
    optimization = make_visited_optimization(
        "numeric", draw_amount, direction=Metric.Direction.DECREASE
    )

    train_model(optimization)

    assert shares_of_b(optimization)[1] < 0.1


def test_refunds_are_learned_and_the_report_says_how() -> None:
    def with_refunds(rng: random.Random, variant: traffic.Json) -> traffic.Json:
        value = draw_amount(rng, variant)["value"]
        return {"value": -value if rng.random() < 0.25 else value}

    optimization = make_visited_optimization("numeric", with_refunds)

    train_model(optimization)

    report = versions.get_serving_version(optimization.model).report
    assert report is not None
    assert report["reward_model"] == "mean"
    assert "negative" in report["notes"][0]
    assert shares_of_b(optimization)[0] > 0.6


def test_scheduled_training_of_amounts_is_shown_in_the_state() -> None:
    optimization = make_visited_optimization("numeric", draw_amount)

    requested = schedule.retrain_due()

    assert requested == 1
    run = optimization.model.training_runs.get()
    run_training(run.pk)
    token = member_token(Organization.objects.get(pk=optimization.organization_id))
    api = Api(token)
    response = api.get(f"/models/{optimization.model_id}/state")
    state = read_body(response)
    assert state["variants"][2]["expected_reward_mean"] > 5
    assert {row["part"] for row in state["coefficients"]} == {"paid", "amount"}

"""One leader that every figure names, and none without data."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from models_app import versions
from models_app.admin.html_tables import render_report
from optimizations.admin.variant_page import page as variant_page
from optimizations.models import Optimization
from optimizations.results.model import leader, model_support
from optimizations.results.model.leader import Leader
from optimizations.results.model.model_support import NO_MATURE_USER
from optimizations.results.readings import report
from optimizations.results.readings.modeled import VARIANT_FIGURES
from optimizations.results.reasons import NO_DIFFERENCE
from tests.support import traffic, value_metrics
from tests.support.factories import make_member_api, read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)
from tests.support.unavailable_reasons import list_nulls_without_reason

over_http = pytest.mark.django_db(transaction=True)
Truth = Callable[[traffic.Json, traffic.Json], float]


def make_trained(
    truth: Truth, users: int = 600, holdout_percentage: float = 30
) -> Optimization:
    """Make an optimization that learned from visitors with this rate of conversion."""
    optimization = make_optimization(
        make_organization(), holdout_percentage=holdout_percentage
    )
    start = timezone.now() - timedelta(days=4)
    traffic.simulate_visitors(optimization, start, users, truth)
    train_model(optimization)
    return optimization


def read(optimization: Optimization, name: str) -> dict[str, Any]:
    """Return the body of a GET of a member."""
    api = make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))


def a_is_best(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a rate at which the baseline is much the best."""
    return 0.4 if (variant["headline"], variant["cta"]) == ("A", False) else 0.1


def b_is_best(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a rate at which headline B is better."""
    return 0.4 if variant["headline"] == "B" else 0.2


def never(_variant: traffic.Json, _context: traffic.Json) -> float:
    """Return the rate of nobody."""
    return 0.0


def alike(_variant: traffic.Json, _context: traffic.Json) -> float:
    """Return the same rate for every variant."""
    return 0.2


@over_http
@pytest.mark.parametrize("truth", [a_is_best, b_is_best, alike])
def test_every_figure_names_the_same_leader(truth: Truth) -> None:
    optimization = make_trained(truth)

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    best = max(results["variants"], key=lambda row: row["prob_best"])["number"]
    assert results["stats"]["best_variant"] == best
    if progress["winner"] is not None:
        assert progress["winner"]["number"] == best
    assert list_nulls_without_reason(results) == []


@over_http
def test_where_the_baseline_leads_no_variant_is_compared_with_it() -> None:
    optimization = make_trained(a_is_best)

    results = read(optimization, "results")
    (day,) = read(optimization, "lift-history")["daily"]

    assert results["stats"]["best_variant"] == 1
    for name in ("best_vs_baseline_percent", "best_vs_baseline_interval"):
        assert results["stats"][name] is None
        assert results["unavailable"][f"stats.{name}"] == "the baseline leads"
    assert day["best_lift_percent"] is None
    progress = read(optimization, "progress")
    for name in ("winner", "stable_since"):
        assert progress[name] is None
        assert progress["unavailable"][name] == "the baseline leads"


@over_http
def test_while_no_difference_is_seen_no_improvement_is_claimed() -> None:
    optimization = make_trained(alike)

    results = read(optimization, "results")
    (day,) = read(optimization, "lift-history")["daily"]

    for name, shown in (
        ("estimated_improvement", "policy"),
        ("best_vs_baseline", "best"),
    ):
        low, high = results["stats"][f"{name}_interval"]
        assert low <= 0 <= high
        assert results["stats"][f"{name}_percent"] is None
        assert results["unavailable"][f"stats.{name}_percent"] == NO_DIFFERENCE
        assert day[f"{shown}_lift_percent"] is None
        assert day[f"{shown}_lift_interval"] == [low, high]
        assert day["unavailable"][f"{shown}_lift_percent"] == NO_DIFFERENCE


@over_http
def test_an_improvement_is_claimed_once_a_difference_is_seen() -> None:
    optimization = make_trained(b_is_best)

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    low, high = results["stats"]["estimated_improvement_interval"]
    assert 0 < low < results["stats"]["estimated_improvement_percent"] < high
    assert results["stats"]["best_vs_baseline_percent"] > 0
    assert progress["winner"]["number"] == results["stats"]["best_variant"]
    assert progress["stable_since"] == timezone.now().date().isoformat()


@over_http
def test_a_leader_that_stands_out_wins_only_by_a_claimed_improvement() -> None:
    optimization = make_trained(b_is_best)
    won = read(optimization, "progress")
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    version.report["best_vs_baseline_percent"] |= {"lo": -1.0}
    version.save(update_fields=["report"])

    progress = read(optimization, "progress")

    assert won["winner"] is not None
    for name in ("winner", "stable_since"):
        assert progress[name] is None
        assert progress["unavailable"][name] == NO_DIFFERENCE


@over_http
def test_a_winner_that_was_named_without_an_improvement_is_not_stable() -> None:
    optimization = make_trained(b_is_best)
    day = optimization.published_days.get()
    day.figures["best_lift_percent"] = None
    day.save(update_fields=["figures"])

    progress = read(optimization, "progress")

    assert progress["winner"] is not None
    assert progress["stable_since"] is None


@over_http
@pytest.mark.parametrize(
    ("truth", "users", "holdout_percentage"),
    [(never, 400, 30), (alike, 20, 30), (alike, 0, 30)],
    ids=["nobody converts", "few users", "no user"],
)
def test_without_data_there_is_no_winner_and_no_improvement(
    truth: Truth, users: int, holdout_percentage: float
) -> None:
    optimization = make_trained_or_visited(truth, users, holdout_percentage)

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    for name in ("estimated_improvement_percent", "best_variant", "estimated_progress"):
        assert results["stats"][name] is None
        assert f"stats.{name}" in results["unavailable"]
    assert progress["winner"] is progress["estimated_progress"] is None
    assert progress["days_to_decision"] is None
    assert {"winner", "estimated_progress"} <= set(progress["unavailable"])


def make_trained_or_visited(
    truth: Truth, users: int, holdout_percentage: float
) -> Optimization:
    """Make a trained optimization, or an untrained one without users."""
    if users:
        return make_trained(truth, users, holdout_percentage)
    return make_optimization(make_organization(), holdout_percentage=holdout_percentage)


@over_http
def test_the_baseline_alone_supports_neither_winner_nor_improvement() -> None:
    optimization = make_optimization(make_organization())
    seen_at = (timezone.now() - timedelta(days=4)).isoformat()
    users = [f"user {number}" for number in range(200)]
    fields = {"variant": {"headline": "A", "cta": False}, "timestamp": seen_at}
    exposures = [traffic.build_exposure(optimization, user, **fields) for user in users]
    rewards = [traffic.build_reward(user, timestamp=seen_at) for user in users[::4]]
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(optimization, rewards)
    train_model(optimization)

    results = read(optimization, "results")

    reason = results["unavailable"]["stats.estimated_improvement_percent"]
    assert "users of the other variants" in reason
    assert read(optimization, "progress")["winner"] is None


@over_http
def test_purchases_that_were_refunded_in_full_support_no_headline() -> None:
    organization = make_organization()
    optimization = make_optimization(
        organization,
        holdout_percentage=0,
        reward_metric_id=value_metrics.make_metric(organization, "numeric").pk,
        training_data_config=make_config(
            reward={"name": "purchase", "type": "numeric"}
        ),
    )
    bought_at = timezone.now() - timedelta(days=4)
    names = [f"user {number}" for number in range(600)]
    variants = [{"headline": name, "cta": False} for name in ("A", "B")]
    exposures = [
        traffic.build_exposure(
            optimization,
            name,
            variant=variants[place % 2],
            timestamp=bought_at.isoformat(),
        )
        for place, name in enumerate(names)
    ]
    rewards = [
        traffic.build_reward(
            name,
            value=value,
            timestamp=(bought_at + timedelta(minutes=minutes)).isoformat(),
        )
        for name in names[::3]
        for value, minutes in ((100, 10), (-100, 20))
    ]
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(optimization, rewards)
    train_model(optimization)

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    assert progress["rewarded_users"] == 200
    assert progress["conversions"] == 0
    assert set(results["stats"].values()) == {None}
    reason = results["unavailable"]["stats.estimated_improvement_percent"]
    assert reason.startswith("0 users with a reward")
    assert progress["winner"] is None


@over_http
def test_before_the_first_user_is_mature_no_headline_is_shown() -> None:
    optimization = make_optimization(
        make_organization(),
        holdout_percentage=30,
        training_data_config=make_config(attribution={"horizon_hours": 168}),
    )
    start = timezone.now() - timedelta(days=4)
    traffic.simulate_visitors(optimization, start, 600, b_is_best)
    train_model(optimization)

    results, progress = (read(optimization, name) for name in ("results", "progress"))
    (day,) = read(optimization, "lift-history")["daily"]

    assert set(results["stats"].values()) == {None}
    reasons = results["unavailable"]
    for name in results["stats"]:
        assert reasons[f"stats.{name}"] == model_support.NO_MATURE_USER
    assert reasons["primary_metric_vs_holdout.lift_percent"] == (
        "no measuring period has mature users in both arms"
    )
    assert {row["best_variant"] for row in results["contexts"]} == {None}
    assert progress["winner"] is progress["estimated_progress"] is None
    assert progress["unavailable"]["winner"] == model_support.NO_MATURE_USER
    assert day["best_lift_percent"] is None
    assert day["unavailable"]["best_lift_percent"] == model_support.NO_MATURE_USER
    assert list_nulls_without_reason(results) == []


@over_http
def test_before_the_first_user_is_mature_no_figure_of_the_model_is_shown() -> None:
    optimization = make_optimization(
        make_organization(),
        holdout_percentage=30,
        training_data_config=make_config(attribution={"horizon_hours": 168}),
    )
    start = timezone.now() - timedelta(days=4)
    traffic.simulate_visitors(optimization, start, 600, b_is_best)
    run = train_model(optimization)
    api, reason = make_member_api(optimization.organization), NO_MATURE_USER

    results = read(optimization, "results")
    state = read_body(api.get(f"/models/{optimization.model_id}/state"))
    withheld = variant_page.list_withheld(report.build_results(optimization))
    serving = versions.get_serving_version(optimization.model)
    version = unescape(str(render_report(serving)))
    path = f"/models/{optimization.model_id}/training-runs/{run.pk}"
    metrics = read_body(api.get(path))["in_sample_metrics"]

    for body in (results, state):
        for row in body["variants"]:
            assert row["weight"] is not None
            assert {row[name] for name in VARIANT_FIGURES} == {None}
        for name in VARIANT_FIGURES:
            assert body["unavailable"][f"variants.{name}"] == reason
    for name in ("factor_importance", "factor_utilities", "context_importance"):
        assert results[name] is None
        assert results["unavailable"][name] == reason
    assert {row["deviation"] for row in results["interactions"]} == {None}
    assert state["coefficients"] == []
    assert state["unavailable"]["coefficients"] == reason
    for level in state["contexts"]:
        assert {row["prob_best"] for row in level["variants"]} == {None}
        assert {row["expected_reward_mean"] for row in level["variants"]} == {None}
    assert (withheld, version.count(reason)) == ([reason], 1)
    assert metrics["expected_reward"] is None
    assert metrics["unavailable"] == {"expected_reward": reason}


@over_http
def test_a_forecast_that_rests_on_the_prior_is_withheld() -> None:
    optimization = make_trained(alike, users=1000, holdout_percentage=50)
    # Traffic of a whole day of late, at whatever hour the test runs.
    start = timezone.now() - timedelta(days=2)
    traffic.simulate_visitors(optimization, start, 500, alike)
    train_model(optimization)
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    version.report["estimated_improvement"] = {"mean": 0.03, "lo": -0.01, "hi": 0.07}
    version.save(update_fields=["report"])

    progress = read(optimization, "progress")

    assert progress["days_to_decision"] is None
    assert "rest on the prior" in progress["unavailable"]["days_to_decision"]


def test_the_leader_has_the_highest_chance_among_the_enabled() -> None:
    chances = {1: 0.1, 2: 0.2, 3: 0.5, 4: 0.2}
    stored_report = {
        "variants": [
            {"number": number, "prob_best": chance}
            for number, chance in chances.items()
        ]
    }

    assert leader.find_leader(stored_report, {1, 2, 3, 4}) == Leader(3, 0.5)
    assert leader.find_leader(stored_report, {1, 2, 4}) == Leader(2, 0.4)
    assert leader.find_leader(stored_report, ()) is None
    assert leader.find_leader({}, {1, 2}) is None


def test_a_leader_that_hardly_leads_is_no_winner() -> None:
    improvement = {"mean": 9.0, "median": 9.0, "lo": 2.0, "hi": 16.0}
    claimed = {"best_variant": 2, "best_vs_baseline_percent": improvement}
    reason = leader.explain_no_winner(
        claimed, Leader(2, 0.26), [0.26, 0.26, 0.24, 0.24]
    )

    assert reason is not None
    assert reason.startswith("no variant stands out")
    assert (
        leader.explain_no_winner(claimed, Leader(2, 0.6), [0.2, 0.6, 0.1, 0.1]) is None
    )
    assert (
        leader.explain_no_winner(claimed, Leader(2, 0.6), [0.25] * 4)
        == leader.EQUAL_SHARES
    )
    assert leader.explain_no_winner(claimed, Leader(2, 0.9), [0.05, 0.95]) is None

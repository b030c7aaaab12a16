"""Interactions, lift by context, days to the decision: published or withheld."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from optimizations.results import reasons
from tests.support import factories, traffic
from tests.support.factories import read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)


def slightly_better_b(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a rate that is a little higher for headline B."""
    return 0.23 if variant["headline"] == "B" else 0.2


def make_optimization_with_visitors(
    users: int, rate: traffic.Truth, *, days_ago: int = 3, **fields: Any
) -> Optimization:
    """Make a live optimization with a day of visitors."""
    optimization = make_optimization(make_organization(), **fields)
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, users, rate)
    return optimization


def read_endpoint(optimization: Optimization, name: str) -> dict[str, Any]:
    """Return what a member reads from an endpoint of the optimization."""
    api = factories.make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))


def better_together(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a rate that headline B and the call to action raise, far more together."""
    helps = [variant["headline"] == "B", bool(variant["cta"])]
    return 0.1 + 0.15 * helps.count(True) + 0.4 * all(helps)


def test_an_interaction_names_its_factors_and_levels() -> None:
    optimization = make_optimization_with_visitors(
        2000, better_together, holdout_percentage=10
    )
    train_model(optimization)

    body = read_endpoint(optimization, "results")

    (row,) = body["interactions"]
    assert (row["factors"], row["levels"]) == (["headline", "cta"], ["B", "true"])
    assert row["kind"] == "synergy"
    assert 0.1 < row["lo"] < row["deviation"] < row["hi"]
    assert row["lo"] < 0.4
    assert row["deviation"] == pytest.approx(0.4, abs=0.2)
    (variant,) = [
        variant_row for variant_row in body["variants"] if variant_row["number"] == 4
    ]
    assert row["users"] == variant["users"]
    assert list_nulls_without_reason(body) == []


def test_an_interaction_of_few_users_is_withheld_with_the_reason() -> None:
    optimization = make_optimization_with_visitors(
        1000, slightly_better_b, holdout_percentage=50
    )
    train_model(optimization)  # 500 of 1,000 are held out: 125 a variant

    body = read_endpoint(optimization, "results")

    (row,) = body["interactions"]
    figures = {name: row[name] for name in ("deviation", "lo", "hi", "kind")}
    assert set(figures.values()) == {None}
    reasons = {body["unavailable"][f"interactions[0].{name}"] for name in figures}
    assert len(reasons) == 1
    assert "200 are needed" in reasons.pop()


def better_on_mobile(variant: traffic.Json, context: traffic.Json) -> float:
    """Return a rate that headline B doubles on mobile only."""
    is_better = variant["headline"] == "B" and context["device"] == "mobile"
    return 0.4 if is_better else 0.2


def test_lift_is_measured_and_modeled_at_each_level_of_a_context_factor() -> None:
    optimization = make_optimization_with_visitors(
        2000, better_on_mobile, days_ago=4, holdout_percentage=50
    )
    train_model(optimization)
    later = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, later, 2000, better_on_mobile, seed=1)
    train_model(optimization)

    body = read_endpoint(optimization, "results")

    levels = {row["level"]: row for row in body["contexts"]}
    for row in levels.values():
        for interval in (row["lift_ci"], row["lift_ci_anytime"]):
            assert interval[0] < row["lift_percent"] < interval[1]
    assert levels["mobile"]["lift_ci"][0] > 0
    low, high = levels["mobile"]["estimated_improvement_interval"]
    assert 20 < levels["mobile"]["estimated_improvement_percent"] < high
    assert low > 0
    low, high = levels["desktop"]["estimated_improvement_interval"]
    assert low < 0 < high
    assert levels["desktop"]["estimated_improvement_percent"] is None
    place = next(
        index for index, row in enumerate(body["contexts"]) if row["level"] == "desktop"
    )
    percent = f"contexts[{place}].estimated_improvement_percent"
    assert body["unavailable"][percent] == reasons.NO_DIFFERENCE
    overall = body["primary_metric_vs_holdout"]["lift_percent"]
    desktop, mobile = (levels[name]["lift_percent"] for name in ("desktop", "mobile"))
    assert desktop < overall < mobile
    assert list_nulls_without_reason(body) == []


def test_importances_that_the_model_leaves_out_are_withheld_with_the_reason() -> None:
    optimization = make_optimization_with_visitors(500, slightly_better_b)
    train_model(optimization)
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    version.report["context_importance"][0]["share"] = None
    version.report["interaction_importance"] = None
    version.save(update_fields=["report"])

    body = read_endpoint(optimization, "results")

    nulls = {"mean": None, "lo": None, "hi": None}
    assert body["context_importance"] == [{"factor": "device", **nulls}]
    names = ("interaction_importance", "context_importance[0].mean")
    reasons = {body["unavailable"][name] for name in names}
    assert all("too many coefficients" in reason for reason in reasons)
    assert list_nulls_without_reason(body) == []


def store_effect(optimization: Optimization, mean: float, half_width: float) -> None:
    """Write the model's estimate of the effect into the report of the serving version."""
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    interval = {"mean": mean, "lo": mean - half_width, "hi": mean + half_width}
    version.report["estimated_improvement"] = interval
    version.save(update_fields=["report"])


def test_the_days_to_the_decision_follow_from_the_estimate_and_the_traffic() -> None:
    optimization = make_optimization_with_visitors(
        1000, slightly_better_b, days_ago=4, holdout_percentage=50
    )
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, slightly_better_b, seed=1)
    train_model(optimization)

    forecasts = []
    for mean, half_width in ((0.05, 0.001), (0.03, 0.001), (0.03, 0.03), (0.0, 0.001)):
        store_effect(optimization, mean, half_width)
        forecasts.append(read_endpoint(optimization, "progress"))

    sure, smaller, unsure, zero = forecasts
    assert sure["days_to_decision"] is not None
    low, high = sure["days_to_decision_interval"]
    assert 1 <= low < sure["days_to_decision"] < high < 60
    assert smaller["days_to_decision"] > sure["days_to_decision"]
    assert unsure["days_to_decision_interval"][1] is None
    reason = unsure["unavailable"]["days_to_decision_interval[1]"]
    assert reason == "beyond 365 days"
    assert zero["days_to_decision"] is zero["days_to_decision_interval"] is None
    assert "no decision is expected" in zero["unavailable"]["days_to_decision"]


def test_a_lift_beyond_doubt_is_decided() -> None:
    optimization = make_optimization_with_visitors(
        2000, lambda variant, _: 0.6 if variant["cta"] else 0.1, holdout_percentage=50
    )
    train_model(optimization)

    progress = read_endpoint(optimization, "progress")

    assert progress["days_to_decision"] == 0
    assert progress["days_to_decision_interval"] == [0, 0]


def test_days_to_the_decision_are_withheld_with_the_reason() -> None:
    early = make_optimization_with_visitors(
        300, slightly_better_b, holdout_percentage=10
    )
    before = read_endpoint(early, "progress")["unavailable"]["days_to_decision"]
    train_model(early)
    few = read_endpoint(early, "progress")["unavailable"]["days_to_decision"]
    lifecycle.pause_optimization(early, SYSTEM_ACTOR)
    paused = read_endpoint(early, "progress")["unavailable"]["days_to_decision"]
    alone = make_optimization_with_visitors(
        300, slightly_better_b, holdout_percentage=0
    )
    train_model(alone)
    without = read_endpoint(alone, "progress")["unavailable"]["days_to_decision"]

    assert before == "no training has succeeded yet"
    assert few.startswith("the holdout arm has ")
    assert paused == "nothing is learned: this optimization is paused"
    assert without == "no measuring period has mature users in both arms"

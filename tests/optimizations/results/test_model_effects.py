"""Interactions, lift by context and days to the decision: told, or withheld with a reason."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories, traffic
from tests.support.factories import read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)


def truth(variant: traffic.Json, _context: traffic.Json) -> float:
    """Headline B is a little better."""
    return 0.23 if variant["headline"] == "B" else 0.2


def visited(
    users: int, truth: traffic.Truth, *, days_ago: int = 3, **fields: Any
) -> Optimization:
    """A live optimization with a day of visitors."""
    optimization = make_optimization(make_organization(), **fields)
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, users, truth)
    return optimization


def read(optimization: Optimization, reading: str) -> dict[str, Any]:
    """Read as a member."""
    api = factories.make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/{reading}"))


def together(variant: traffic.Json, _context: traffic.Json) -> float:
    """Headline B and the call to action help, and far more together."""
    helps = [variant["headline"] == "B", bool(variant["cta"])]
    return 0.1 + 0.15 * helps.count(True) + 0.4 * all(helps)


def test_what_levels_do_together_is_told_by_name() -> None:
    optimization = visited(2000, together, holdout_percentage=10)
    train_model(optimization)

    body = read(optimization, "results")

    (row,) = body["interactions"]
    assert (row["factors"], row["levels"]) == (["headline", "cta"], ["B", "true"])
    assert row["kind"] == "synergy"
    assert 0.1 < row["lo"] < row["deviation"] < row["hi"]
    assert row["lo"] < 0.4
    assert row["deviation"] == pytest.approx(0.4, abs=0.2)
    (shown,) = [each for each in body["variants"] if each["number"] == 4]
    assert row["users"] == shown["users"]
    assert list_nulls_without_reason(body) == []


def test_few_users_of_a_pair_mask_it_with_the_reason() -> None:
    optimization = visited(1000, truth, holdout_percentage=50)
    train_model(optimization)  # 500 of 1,000 are held out: 125 a variant

    body = read(optimization, "results")

    (row,) = body["interactions"]
    figures = {name: row[name] for name in ("deviation", "lo", "hi", "kind")}
    assert set(figures.values()) == {None}
    reasons = {body["unavailable"][f"interactions[0].{name}"] for name in figures}
    assert len(reasons) == 1
    assert "200 are needed" in reasons.pop()


def on_mobile(variant: traffic.Json, context: traffic.Json) -> float:
    """Headline B is twice as good on mobile, and no better elsewhere."""
    good = variant["headline"] == "B" and context["device"] == "mobile"
    return 0.4 if good else 0.2


def test_lift_is_measured_and_modeled_on_each_level_of_a_context() -> None:
    optimization = visited(2000, on_mobile, days_ago=4, holdout_percentage=50)
    train_model(optimization)
    later = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, later, 2000, on_mobile, seed=1)
    train_model(optimization)

    body = read(optimization, "results")

    levels = {row["level"]: row for row in body["contexts"]}
    for row in levels.values():
        for interval in (row["lift_ci"], row["lift_ci_anytime"]):
            assert interval[0] < row["lift_percent"] < interval[1]
        low, high = row["estimated_improvement_interval"]
        assert low < row["estimated_improvement_percent"] < high
    assert levels["mobile"]["lift_ci"][0] > 0
    assert levels["mobile"]["estimated_improvement_interval"][0] > 0
    modeled = {
        name: row["estimated_improvement_percent"] for name, row in levels.items()
    }
    assert modeled["mobile"] > modeled["desktop"] + 20
    everybody = body["primary_metric_vs_holdout"]["lift_percent"]
    desktop, mobile = (levels[name]["lift_percent"] for name in ("desktop", "mobile"))
    assert desktop < everybody < mobile
    assert list_nulls_without_reason(body) == []


def test_importances_that_the_model_leaves_out_are_withheld_with_the_reason() -> None:
    optimization = visited(500, truth)
    train_model(optimization)
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    version.report["context_importance"][0]["share"] = None
    version.report["interaction_importance"] = None
    version.save(update_fields=["report"])

    body = read(optimization, "results")

    nothing = {"mean": None, "lo": None, "hi": None}
    assert body["context_importance"] == [{"factor": "device", **nothing}]
    names = ("interaction_importance", "context_importance[0].mean")
    reasons = {body["unavailable"][name] for name in names}
    assert all("too many coefficients" in reason for reason in reasons)
    assert list_nulls_without_reason(body) == []


def believe(optimization: Optimization, mean: float, half: float) -> None:
    """Put what the model believes of the effect into the report that serves."""
    version = versions.get_serving_version(optimization.model)
    assert version.report is not None
    interval = {"mean": mean, "lo": mean - half, "hi": mean + half}
    version.report["estimated_improvement"] = interval
    version.save(update_fields=["report"])


def test_the_days_to_the_decision_follow_from_belief_and_traffic() -> None:
    optimization = visited(1000, truth, days_ago=4, holdout_percentage=50)
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, truth, seed=1)
    train_model(optimization)

    found = {}
    for mean, half in ((0.05, 0.001), (0.03, 0.001), (0.03, 0.03), (0.0, 0.001)):
        believe(optimization, mean, half)
        found[mean, half] = read(optimization, "progress")

    sure, smaller, unsure, nothing = found.values()
    assert sure["days_to_decision"] is not None
    low, high = sure["days_to_decision_interval"]
    assert 1 <= low < sure["days_to_decision"] < high < 60
    assert smaller["days_to_decision"] > sure["days_to_decision"]
    assert unsure["days_to_decision_interval"][1] is None
    reason = unsure["unavailable"]["days_to_decision_interval[1]"]
    assert reason == "beyond 365 days"
    assert nothing["days_to_decision"] is nothing["days_to_decision_interval"] is None
    assert "no decision is expected" in nothing["unavailable"]["days_to_decision"]


def test_a_lift_beyond_doubt_is_decided() -> None:
    optimization = visited(
        2000, lambda variant, _: 0.6 if variant["cta"] else 0.1, holdout_percentage=50
    )
    train_model(optimization)

    progress = read(optimization, "progress")

    assert progress["days_to_decision"] == 0
    assert progress["days_to_decision_interval"] == [0, 0]


def test_days_to_the_decision_are_withheld_with_the_reason() -> None:
    early = visited(300, truth, holdout_percentage=10)
    before = read(early, "progress")["unavailable"]["days_to_decision"]
    train_model(early)
    few = read(early, "progress")["unavailable"]["days_to_decision"]
    lifecycle.pause_optimization(early, SYSTEM_ACTOR)
    paused = read(early, "progress")["unavailable"]["days_to_decision"]
    alone = visited(300, truth, holdout_percentage=0)
    train_model(alone)
    without = read(alone, "progress")["unavailable"]["days_to_decision"]

    assert before == "no training has succeeded yet"
    assert few.startswith("the holdout arm has ")
    assert paused == "nothing is learned: this optimization is paused"
    assert without == "no regime has users in both arms"

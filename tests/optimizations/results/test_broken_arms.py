"""While the arms cannot be compared, nothing that the model learned from them is told."""

from typing import Any

import pytest

from optimizations.models import Optimization
from optimizations.results.health import health_storage
from optimizations.results.health.health import NOT_COMPARABLE, NOT_JUDGED
from optimizations.results.health.health_evidence import LEARNED_BROKEN
from tests.support.factories import read_body
from tests.support.learning import train_model
from tests.support.result_visitors import make_member_api, make_visited_optimization
from tests.support.unavailable_reasons import list_nulls_without_reason
from tests.support.unhealthy_worlds import (
    call_tool,
    lose_half_of_holdout,
    make_broken_split,
)
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)
MODELED = ("stats", "even_split", "interaction_importance", "factor_utilities")
VARIANT_FIGURES = ("prob_best", "expected_reward_mean", "expected_reward_lo")


def read(optimization: Optimization, path: str) -> dict[str, Any]:
    """Return the body of a GET of a member."""
    return read_body(make_member_api(optimization).get(path))


def list_values(part: Any) -> list[Any]:
    """Return what stands in a part that is no null."""
    if isinstance(part, dict):
        return [value for inner in part.values() for value in list_values(inner)]
    return [] if part is None else [part]


def test_every_reading_withholds_the_model_and_keeps_counts_and_shares() -> None:
    optimization = make_broken_split()
    path, model = (
        f"/optimizations/{optimization.pk}",
        f"/models/{optimization.model_id}",
    )

    results = read(optimization, f"{path}/results")
    progress = read(optimization, f"{path}/progress")
    (day,) = read(optimization, f"{path}/lift-history")["daily"]
    state = read(optimization, f"{model}/state")
    newest, *_ = read(optimization, f"{model}/versions")["versions"]
    told = call_tool(
        make_member_api(optimization),
        "get_results",
        optimization_id=str(optimization.pk),
    )

    assert [list_values(results[part]) for part in MODELED] == [[], [], [], []]
    assert list_nulls_without_reason(results) == []
    assert results["unavailable"]["stats.best_variant"] == NOT_COMPARABLE
    assert results["unavailable"]["even_split.extra"] == NOT_COMPARABLE
    sanity = results["checks"]["baseline_sanity"]
    assert (sanity["ok"], sanity["reason"]) == (None, NOT_JUDGED)
    for row in (*results["variants"], *state["variants"]):
        assert [row[name] for name in VARIANT_FIGURES] == [None] * 3
        assert row["users"] > 0
        assert row["weight"] > 0
    assert state["coefficients"] == []
    assert state["unavailable"]["coefficients"] == NOT_COMPARABLE
    assert (progress["winner"], progress["estimated_progress"]) == (None, None)
    assert progress["unavailable"]["days_to_decision"] == NOT_COMPARABLE
    assert day["unavailable"]["best_lift_percent"] == NOT_COMPARABLE
    assert newest["prob_best"] is None
    assert newest["unavailable"]["prob_best"] == LEARNED_BROKEN
    assert f"no leader: {NOT_COMPARABLE}" in told["summary"]


def test_what_was_learned_of_broken_arms_waits_for_the_next_training() -> None:
    optimization = make_visited_optimization()
    exposures = list(ManagedExposure.objects.filter(optimization_id=optimization.pk))
    lose_half_of_holdout(optimization)
    train_model(optimization)
    ManagedExposure.objects.bulk_create(exposures, ignore_conflicts=True)
    health_storage.refresh_results(optimization, full=True)
    path = f"/optimizations/{optimization.pk}/results"

    repaired = read(optimization, path)
    train_model(optimization)
    learned_again = read(optimization, path)

    assert repaired["health"]["status"] == learned_again["health"]["status"] == "ok"
    assert repaired["primary_metric_vs_holdout"]["lift_percent"] is not None
    assert repaired["unavailable"]["stats.best_variant"] == LEARNED_BROKEN
    assert LEARNED_BROKEN in repaired["model"]["notes"]
    assert learned_again["stats"]["best_variant"] in {3, 4}

"""The state of a model has the figures that results have, with their health and time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import traffic
from tests.support.factories import read_body
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import lose_rewards_of_holdout

pytestmark = pytest.mark.django_db(transaction=True)
SHARED = ("users", "mature_users", "prob_best", "expected_reward_mean")


def read_both(optimization: Optimization, query: str = "") -> tuple[Any, Any]:
    """Return the results and then the state of the model."""
    api = make_member_api(optimization)
    results = read_body(api.get(f"/optimizations/{optimization.pk}/results{query}"))
    return results, read_body(api.get(f"/models/{optimization.model_id}/state"))


def assert_same(results: Any, state: Any) -> None:
    """Check that what both show is the same."""
    assert (state["as_of"], state["health"]) == (results["as_of"], results["health"])
    for measured, row in zip(results["variants"], state["variants"], strict=True):
        is_trained = state["trained_at"] is not None  # else the state has no weights
        for name in (*SHARED, *(("weight",) if is_trained else ())):
            assert row[name] == pytest.approx(measured[name]), name
    levels = zip(results["contexts"] or [], state["contexts"], strict=True)
    for measured, row in levels:
        assert row["share"] == pytest.approx(measured["share"])
        assert row["best_variant"] == measured["best_variant"]
        assert row["prob_best"] == measured["prob_best"]


def test_users_who_came_after_the_training_are_in_both() -> None:
    optimization = train_and_return(make_visited_optimization())
    start = timezone.now() - timedelta(days=2)
    traffic.simulate_visitors(optimization, start, 200, lambda _variant, _context: 0.1)

    results, state = read_both(optimization, "?refresh=true")

    assert sum(row["users"] for row in state["variants"]) > 1000
    assert_same(results, state)


def test_what_too_few_users_support_is_withheld_in_both() -> None:
    optimization = make_optimization(make_organization(), holdout_percentage=25)
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 60, lambda _variant, _context: 0.1)
    results, state = read_both(train_and_return(optimization))

    assert {row["best_variant"] for row in state["contexts"]} == {None}
    assert "are needed" in state["unavailable"]["contexts.best_variant"]
    assert_same(results, state)


def test_what_the_last_count_disproves_is_withheld_in_both() -> None:
    optimization = train_and_return(make_visited_optimization())
    lose_rewards_of_holdout(optimization)

    results, state = read_both(optimization, "?refresh=full")

    assert results["checks"]["baseline_sanity"]["ok"] is False
    assert {row["expected_reward_mean"] for row in state["variants"]} == {None}
    assert_same(results, state)


def test_before_the_first_training_both_have_counts_alone() -> None:
    optimization = make_visited_optimization()

    results, state = read_both(optimization, "?refresh=true")

    assert sum(row["users"] for row in state["variants"]) == 1000
    assert_same(results, state)

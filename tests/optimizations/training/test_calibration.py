"""The calibration gate: no modeled lift where the model misses the recent holdout."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from models_app import runs
from optimizations.cube import aggregates
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot
from optimizations.training.run import run_training
from tests.support import factories, traffic
from tests.support.cube_columns import make_arrays
from tests.support.factories import read_body
from tests.support.optimization_factories import make_optimization, make_organization
from warehouse.models import ManagedExposure
from warehouse.sql.cube.statement import Cell

WITHHELD = (
    "estimated_improvement_percent",
    "estimated_improvement_interval",
    "best_vs_baseline_percent",
    "best_vs_baseline_interval",
    "estimated_progress",
)
over_http = pytest.mark.django_db(transaction=True)


def truth(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a conversion rate at which headline B is twice as good."""
    return 0.3 if variant["headline"] == "B" else 0.15


def high_rate(_variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a high conversion rate, the same for every variant."""
    return 0.6


def make_visited_optimization(days_ago: float = 5) -> Optimization:
    """Make a live optimization with 1,000 visitors, three in ten in the holdout."""
    optimization = make_optimization(make_organization(), holdout_percentage=30)
    start = timezone.now() - timedelta(days=days_ago)
    traffic.simulate_visitors(optimization, start, 1000, truth)
    return optimization


def train(optimization: Optimization) -> None:
    """Train once; the run must succeed."""
    run = runs.request_training(optimization.model, requested_by="test")
    run_training(run.pk)
    run.refresh_from_db()
    assert run.status == "succeeded", run.error
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()


def read(optimization: Optimization, reading: str) -> dict[str, Any]:
    """Return the body of a GET as a member."""
    api = factories.make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/{reading}"))


@over_http
def test_a_model_that_reproduces_the_holdout_is_trusted() -> None:
    optimization = make_visited_optimization()
    train(optimization)
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, truth, seed=1)

    body = read(optimization, "results?refresh=true")

    assert body["checks"]["baseline_sanity"]["ok"] is True
    assert all(body["stats"][name] is not None for name in WITHHELD)
    assert not {f"stats.{name}" for name in WITHHELD} & set(body["unavailable"])
    assert read(optimization, "progress")["estimated_progress"] is not None


@over_http
def test_a_model_that_misses_the_recent_holdout_is_withheld() -> None:
    optimization = make_visited_optimization()
    train(optimization)
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, high_rate, seed=1)

    body = read(optimization, "results?refresh=true")
    progress = read(optimization, "progress")

    check = body["checks"]["baseline_sanity"]
    assert check["ok"] is False
    assert check["holdout_mean"] > 0.5
    assert check["model_mean"] < 0.3
    assert [body["stats"][name] for name in WITHHELD] == [None] * len(WITHHELD)
    reasons = {body["unavailable"][f"stats.{name}"] for name in WITHHELD}
    assert reasons == {check["reason"]}
    assert "does not reproduce the recent holdout mean" in check["reason"]
    assert progress["estimated_progress"] is None
    assert progress["unavailable"]["estimated_progress"] == check["reason"]
    # Measured lift needs no model.
    assert body["primary_metric_vs_holdout"]["lift_percent"] is not None


@over_http
def test_a_model_trained_after_the_change_is_trusted_again() -> None:
    optimization = make_visited_optimization()
    train(optimization)
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, high_rate, seed=1)
    train(optimization)

    body = read(optimization, "results")

    assert body["checks"]["baseline_sanity"]["ok"] is True, body["checks"]
    assert body["stats"]["best_vs_baseline_interval"] is not None


@over_http
def test_a_lift_that_is_withheld_on_its_day_is_not_in_the_history() -> None:
    optimization = make_visited_optimization()
    threshold = snapshot.compute_holdout_threshold(30)
    start = timezone.now() - timedelta(days=5)
    exposures = ManagedExposure.objects.order_by("timestamp_utc")
    users = list(exposures.values_list("anonymous_id", flat=True))
    # Users in the holdout buy whatever they see, as if their page were another one.
    rewards = [
        traffic.build_reward(user, timestamp=(start + timedelta(hours=21)).isoformat())
        for user in users[100:]
        if decision.is_in_holdout(str(optimization.pk), user, threshold)
    ]
    traffic.send_rewards(optimization, rewards)
    train(optimization)

    (day,) = read(optimization, "lift-history")["daily"]

    assert read(optimization, "results")["checks"]["baseline_sanity"]["ok"] is False
    assert day["policy_lift_percent"] is day["best_lift_percent"] is None
    assert day["measured_lift_percent"] is not None


def make_cell(day: int, users: int, converted: int) -> Cell:
    """Make a cell of the holdout."""
    return Cell(
        regime=1,
        day=date(2026, 1, day),
        policy_version=0,
        holdout=True,
        variant=1,
        context=0,
        outcome=None,
        mature=True,
        hour=None,
        users=users,
        exposures=users,
        converted=converted,
        value_sum=converted,
        value_sum_squares=converted,
        payers=0,
        log_sum=0.0,
        log_sum_squares=0.0,
    )


def test_recent_holdout_is_as_few_days_as_have_the_users() -> None:
    cells = make_arrays(make_cell(day, 400, 80) for day in range(1, 10))

    everything = aggregates.select_recent_holdout(cells, "bool")
    one_day = aggregates.select_recent_holdout(cells, "bool", 400)
    two_days = aggregates.select_recent_holdout(cells, "bool", 401)

    last = date(2026, 1, 9).toordinal()
    assert sorted(everything.day) == [last - age for age in range(6, -1, -1)]
    assert list(one_day.day) == [last]
    assert list(two_days.day) == [last, last - 1]


def test_recent_holdout_is_never_too_small_to_check() -> None:
    cells = make_arrays(make_cell(day, 60, 6) for day in range(1, 5))

    recent = aggregates.select_recent_holdout(cells, "bool", 1)

    assert recent.users.sum() == 120

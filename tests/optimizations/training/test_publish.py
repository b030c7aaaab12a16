"""Recording what was learned: all of it or nothing, and only for variants still enabled."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from models_app import runs, training_lease, versions
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.policy import allocation
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import report
from models_app.models import PolicyVersion, TrainingRun
from models_app.training_lease import LeaseLostError, TrainingLease
from optimizations.cube import refresh
from optimizations.models import Optimization, PublishedDay
from optimizations.results import history, measured_lift, progress
from optimizations.training import publish
from optimizations.training.publish import TrainingResult
from tests.support import candidate_trials, learning, optimization_factories

pytestmark = pytest.mark.django_db


def learned(optimization: Optimization) -> TrainingResult:
    """Make what a run without evidence would have learned."""
    design, metric = optimization.model.design, optimization.reward_metric
    assert metric is not None
    mask = np.ones(design.variants, dtype=bool)
    size = 1 + design.columns
    posterior = Posterior(design, np.zeros(size), np.eye(size) * 0.01)
    compiled = allocation.compile_policy(posterior, mask, draws=200)
    none: Any = np.zeros(0, dtype=np.int64)
    nobody = np.zeros(0)
    counted = TrainingCells(none, np.zeros(0), none, none, nobody, nobody)
    figures = report.build_report(
        posterior, compiled, counted, enabled=mask, holdout_share=0.1, seed=0
    )
    observed = refresh.load_cube(optimization, metric)
    compared = measured_lift.compare_arms(optimization, metric, observed)
    return TrainingResult(
        compiled, figures, [1, 2, 3, 4], observed, compared, timezone.now()
    )


def claimed(optimization: Optimization) -> TrainingLease:
    """Ask for a run and take it."""
    held = training_lease.acquire_lease(
        runs.request_training(optimization.model, requested_by="test").pk
    )
    assert held is not None
    return held


def test_a_variant_disabled_while_it_ran_gets_nothing_of_what_was_learned() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    found = learned(optimization)
    held = claimed(optimization)
    optimization.variants.filter(number=3).update(enabled=False)

    publish.publish_training_result(held, optimization, found, {})

    optimization.model.refresh_from_db()
    serving = versions.get_serving_version(optimization.model)
    assert (serving.number, serving.cause, serving.enabled) == (
        2,
        PolicyVersion.Cause.VARIANTS,
        [1, 2, 4],
    )
    assert (versions.read_table(serving)[:, 2] == 0).all()
    assert serving.report is not None
    assert TrainingRun.objects.get().policy_version == 2


def test_a_holder_that_lost_its_run_records_nothing() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    found = learned(optimization)
    held = claimed(optimization)
    assert (
        training_lease.acquire_lease(held.run_id) is not None
    )  # another worker has it now
    before = Optimization.objects.get().snapshot_version

    with pytest.raises(LeaseLostError):
        publish.publish_training_result(held, optimization, found, {})

    assert [version.number for version in PolicyVersion.objects.all()] == [0]
    assert not PublishedDay.objects.exists()
    assert Optimization.objects.get().snapshot_version == before
    assert TrainingRun.objects.get().status == TrainingRun.Status.RUNNING


def test_a_day_is_published_as_its_last_run_left_it_and_then_for_good() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    now = timezone.now()

    for day, figure in ((0, 1.0), (0, 2.0), (1, 3.0)):
        figures = {"policy_lift_percent": figure, "winner": 1}
        history.publish_day(optimization, figures, now + timedelta(days=day))

    published = [
        day["policy_lift_percent"] for day in history.build_lift_history(optimization)
    ]
    assert published == [2.0, 3.0]


@pytest.mark.django_db(transaction=True)
def test_a_leader_is_stable_since_the_first_day_that_named_no_other() -> None:
    optimization = optimization_factories.make_live_optimization()
    candidate_trials.send_visitors(optimization, 6)
    learning.train_model(optimization)
    leader = progress.build_progress(optimization)["winner"]["number"]
    other = 1 if leader != 1 else 2
    now = timezone.now()

    for days_ago, named in ((4, leader), (3, other), (2, leader), (1, leader)):
        day = now - timedelta(days=days_ago)
        history.publish_day(optimization, {"winner": named}, day)

    since = (now - timedelta(days=2)).date()
    assert progress.build_progress(optimization)["stable_since"] == since

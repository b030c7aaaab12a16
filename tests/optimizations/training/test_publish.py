"""Publishing a training result: all or nothing, and only for variants still enabled."""

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
from optimizations.models import Optimization, PublishedDay
from optimizations.results.health import health_evidence
from optimizations.results.readings import history, progress
from optimizations.training import publish
from optimizations.training.publish import TrainingResult
from tests.support import candidate_trials, learning, optimization_factories

pytestmark = pytest.mark.django_db


def make_result(optimization: Optimization) -> TrainingResult:
    """Make the result of a run without data."""
    design = optimization.model.design
    mask = np.ones(design.variants, dtype=bool)
    size = 1 + design.columns
    posterior = Posterior(design, np.zeros(size), np.eye(size) * 0.01)
    compiled_policy = allocation.compile_policy(posterior, mask, draws=200)
    integers: Any = np.zeros(0, dtype=np.int64)
    floats = np.zeros(0)
    cells = TrainingCells(integers, floats, integers, integers, floats, floats)
    figures = report.build_report(
        posterior, compiled_policy, cells, enabled=mask, holdout_share=0.1, seed=0
    )
    evidence = health_evidence.collect_evidence(optimization)
    return TrainingResult(
        compiled_policy, figures, [1, 2, 3, 4], evidence, timezone.now()
    )


def acquire_lease(optimization: Optimization) -> TrainingLease:
    """Request a run and acquire its lease."""
    lease = training_lease.acquire_lease(
        runs.request_training(optimization.model, requested_by="test").pk
    )
    assert lease is not None
    return lease


def test_a_variant_disabled_during_the_run_gets_no_traffic() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    result = make_result(optimization)
    lease = acquire_lease(optimization)
    optimization.variants.filter(number=3).update(enabled=False)

    publish.publish_training_result(lease, optimization, result, {})

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


def test_a_worker_that_lost_its_lease_records_nothing() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    result = make_result(optimization)
    lease = acquire_lease(optimization)
    other = training_lease.acquire_lease(lease.run_id)
    assert other is not None
    before = Optimization.objects.get().snapshot_version

    with pytest.raises(LeaseLostError):
        publish.publish_training_result(lease, optimization, result, {})

    assert [version.number for version in PolicyVersion.objects.all()] == [0]
    assert not PublishedDay.objects.exists()
    assert Optimization.objects.get().snapshot_version == before
    assert TrainingRun.objects.get().status == TrainingRun.Status.RUNNING


def test_a_published_day_has_the_figures_of_its_last_run() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    now = timezone.now()

    for day, figure in ((0, 1.0), (0, 2.0), (1, 3.0)):
        figures = {"policy_lift_percent": figure, "winner": 1}
        history.publish_day(optimization, figures, now + timedelta(days=day))

    published = [
        day.policy_lift_percent
        for day in history.build_lift_history(optimization).daily
    ]
    assert published == [2.0, 3.0]


def test_a_figure_that_an_old_day_lacks_is_null_with_a_reason() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    figures = {
        "policy_lift_percent": 2.0,
        "policy_lift_interval": None,
        "unavailable": {"policy_lift_interval": "withheld"},
    }
    history.publish_day(optimization, figures, timezone.now())

    (day,) = history.build_lift_history(optimization).daily

    assert day.best_lift_percent is None
    assert day.unavailable == {
        "policy_lift_interval": "withheld",
        "best_lift_percent": history.NOT_PUBLISHED,
        "best_lift_interval": history.NOT_PUBLISHED,
        "measured_lift_percent": history.NOT_PUBLISHED,
        "measured_lift_ci": history.NOT_PUBLISHED,
        "measured_lift_ci_anytime": history.NOT_PUBLISHED,
        "measured_difference": history.NOT_PUBLISHED,
        "measured_difference_ci": history.NOT_PUBLISHED,
        "measured_difference_ci_anytime": history.NOT_PUBLISHED,
        "users": history.NOT_PUBLISHED,
        "health": history.NOT_PUBLISHED,
    }


@pytest.mark.django_db(transaction=True)
def test_a_winner_is_stable_since_the_first_day_without_another_winner() -> None:
    optimization = optimization_factories.make_live_optimization()
    candidate_trials.send_visitors(optimization, 6, candidate_trials.headline_rate)
    learning.train_model(optimization)
    leader = progress.build_progress(optimization).winner
    assert leader is not None
    winner = leader.number
    other = 1 if winner != 1 else 2
    now = timezone.now()

    for days_ago, number in ((4, winner), (3, other), (2, winner), (1, winner)):
        day = now - timedelta(days=days_ago)
        figures = {"winner": number, "best_lift_percent": 5.0}
        history.publish_day(optimization, figures, day)

    since = (now - timedelta(days=2)).date()
    assert progress.build_progress(optimization).stable_since == since

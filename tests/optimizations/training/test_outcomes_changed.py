"""Outcomes of a metric that change: a run learns from users of the present ones alone."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from metrics import revisions
from models_app import runs
from models_app.models import TrainingRun
from optimizations.cube import refresh
from optimizations.models import Optimization
from optimizations.training.run import run_training
from tests.support import optimization_factories, traffic
from tests.support.value_metrics import OUTCOMES, make_metric

pytestmark = pytest.mark.django_db(transaction=True)


def send_visits(optimization: Optimization, name: str, at: datetime) -> None:
    """Send twenty users, half of whom have an outcome."""
    users = [f"{name}-{n}" for n in range(20)]
    exposures = [
        traffic.build_exposure(optimization, user, timestamp=at.isoformat())
        for user in users
    ]
    traffic.send_exposures(optimization, exposures)
    rewards = [
        {"anonymous_id": user, "name": "pro", "timestamp": at.isoformat()}
        for user in users[:10]
    ]
    traffic.send_rewards(optimization, rewards)


def test_a_run_learns_from_users_counted_by_the_present_outcomes() -> None:
    organization = optimization_factories.make_organization()
    metric = make_metric(organization, "outcomes")
    optimization = optimization_factories.make_optimization(
        organization,
        reward_metric_id=metric.pk,
        training_data_config=optimization_factories.make_config(
            reward={"name": "spent", "type": "outcomes"}
        ),
    )
    send_visits(optimization, "old", timezone.now() - timedelta(days=3))
    refresh.count_open_days(optimization, metric, timezone.now())
    revisions.store_definition(metric)
    metric.outcomes = [OUTCOMES[0], {**OUTCOMES[1], "key": "premium"}]
    metric.revision += 1
    metric.save()

    empty = runs.request_training(optimization.model, requested_by="test")
    run_training(empty.pk)
    send_visits(optimization, "new", timezone.now())
    run = runs.request_training(optimization.model, requested_by="test")
    run_training(run.pk)

    empty.refresh_from_db()
    run.refresh_from_db()
    assert empty.status == TrainingRun.Status.FAILED
    assert "nothing to learn from" in empty.error
    assert run.status == TrainingRun.Status.SUCCEEDED
    cube = refresh.load_cube(optimization, metric)
    assert sum(cell.users for cell in cube.cells) == 20
    assert {cell.outcome for cell in cube.cells} == {"premium", "failure"}

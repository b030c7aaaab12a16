"""Outcomes removed from a metric, on days that cannot be counted again."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from models_app import runs
from models_app.models import PolicyVersion, TrainingRun
from optimizations.cube import refresh
from optimizations.training.run import run_training
from tests.support import optimization_factories, traffic
from tests.support.value_metrics import OUTCOMES, make_metric

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("renamed", "status"),
    [("premium", TrainingRun.Status.FAILED), ("pro", TrainingRun.Status.SUCCEEDED)],
)
def test_a_run_fails_where_a_counted_outcome_was_removed(
    renamed: str, status: str
) -> None:
    organization = optimization_factories.make_organization()
    metric = make_metric(organization, "outcomes")
    optimization = optimization_factories.make_optimization(
        organization,
        reward_metric_id=metric.pk,
        training_data_config=optimization_factories.make_config(
            reward={"name": "spent", "type": "outcomes"}
        ),
    )
    for days_ago in (9, 3):
        at = timezone.now() - timedelta(days=days_ago)
        users = [f"{days_ago}-{n}" for n in range(20)]
        traffic.send_exposures(
            optimization,
            [
                traffic.build_exposure(optimization, user, timestamp=at.isoformat())
                for user in users
            ],
        )
        later = (at + timedelta(hours=1)).isoformat()
        traffic.send_rewards(
            optimization,
            [
                {"anonymous_id": user, "name": "pro", "timestamp": later}
                for user in users[:10]
            ],
        )
    refresh.count_open_days(optimization, metric, timezone.now())
    metric.outcomes = [OUTCOMES[0], {**OUTCOMES[1], "key": renamed}]
    metric.revision += 1
    metric.save()
    run = runs.request_training(optimization.model, requested_by="test")
    before = PolicyVersion.objects.count()

    with override_settings(RETENTION_DAYS=5):
        run_training(run.pk)

    run.refresh_from_db()
    assert (run.status, "no longer has: pro." in run.error) == (
        status,
        renamed != "pro",
    )
    assert PolicyVersion.objects.count() - before == int(renamed == "pro")

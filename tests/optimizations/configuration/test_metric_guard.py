"""The goal of a metric is fixed once an optimization is live with it."""

from typing import Any

import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)
from tests.support.value_metrics import OUTCOMES, make_metric

pytestmark = pytest.mark.django_db


def _make_rewarded(status: str) -> tuple[Api, Metric, Optimization]:
    """Make an optimization for weighted outcomes; return a member, the metric and it."""
    organization = make_organization()
    metric = make_metric(organization, "outcomes")
    optimization = make_optimization(
        organization,
        status=status,
        reward_metric_id=metric.pk,
        training_data_config=make_config(reward={"name": "spent", "type": "outcomes"}),
    )
    return factories.make_member_api(organization), metric, optimization


CHANGES = [
    {"direction": "decrease"},
    {"outcomes": [{**OUTCOMES[0], "weight": 100}, *OUTCOMES[1:]]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_goal_of_a_live_optimization_cannot_change(change: dict[str, Any]) -> None:
    bob, metric, optimization = _make_rewarded("live")
    goal = metric.direction, metric.outcomes, metric.revision

    refused = bob.patch(f"/warehouse/metrics/{metric.pk}", change)
    renamed = bob.patch(f"/warehouse/metrics/{metric.pk}", {"name": "plans"})

    assert refused.status_code == 409
    assert f"“{optimization.name}” went live" in read_error(refused)["message"]
    assert renamed.status_code == 200
    metric.refresh_from_db()
    assert metric.name == "plans"
    assert (metric.direction, metric.outcomes, metric.revision) == goal


@pytest.mark.parametrize("change", CHANGES)
def test_the_goal_of_a_draft_or_archived_optimization_may_change(
    change: dict[str, Any],
) -> None:
    bob, metric, _ = _make_rewarded("draft")
    other, old_metric, old = _make_rewarded("live")
    lifecycle.archive_optimization(old, SYSTEM_ACTOR)

    answers = [
        bob.patch(f"/warehouse/metrics/{metric.pk}", change),
        other.patch(f"/warehouse/metrics/{old_metric.pk}", change),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_metric_of_a_deleted_optimization_cannot_be_deleted() -> None:
    _, metric, optimization = _make_rewarded("draft")
    bob = factories.make_admin_api(optimization.organization)
    path = f"/warehouse/metrics/{metric.pk}"
    in_use = bob.delete(path)
    optimization.deleted_at = optimization.created_at
    optimization.save()

    after_deletion = bob.delete(path)

    assert (in_use.status_code, after_deletion.status_code) == (409, 409)
    assert optimization.name in read_error(in_use)["message"]
    assert "history" in read_error(after_deletion)["message"]
    assert read_body(bob.get(path))["name"] == metric.name

"""A metric keeps the goal of what went live with it."""

from typing import Any

import pytest

from levered_site.organizations.actors import SYSTEM
from metrics.models import Metric
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories, optimization_factories as made
from tests.support.factories import Api, body_of, error_of
from tests.support.valued import OUTCOMES, metric

pytestmark = pytest.mark.django_db


def rewarded(status: str) -> tuple[Api, Metric, Optimization]:
    """Make an optimization for weighted outcomes; a member, its metric, it."""
    organization = made.organization()
    of_plans = metric(organization, "outcomes")
    optimization = made.optimization(
        organization,
        status=status,
        reward_metric_id=of_plans.pk,
        training_data_config=made.config(reward={"name": "spent", "type": "outcomes"}),
    )
    return factories.member_of(organization), of_plans, optimization


CHANGES = [
    {"direction": "decrease"},
    {"outcomes": [{**OUTCOMES[0], "weight": 100}, *OUTCOMES[1:]]},
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_goal_of_a_live_optimization_stays(change: dict[str, Any]) -> None:
    bob, of_plans, optimization = rewarded("live")
    goal = of_plans.direction, of_plans.outcomes, of_plans.revision

    refused = bob.patch(f"/warehouse/metrics/{of_plans.pk}", change)
    renamed = bob.patch(f"/warehouse/metrics/{of_plans.pk}", {"name": "plans"})

    assert refused.status_code == 409
    assert f"“{optimization.name}” went live" in error_of(refused)["message"]
    assert renamed.status_code == 200
    of_plans.refresh_from_db()
    assert of_plans.name == "plans"
    assert (of_plans.direction, of_plans.outcomes, of_plans.revision) == goal


@pytest.mark.parametrize("change", CHANGES)
def test_the_goal_of_a_draft_or_an_archived_one_may_change(
    change: dict[str, Any],
) -> None:
    bob, of_plans, _ = rewarded("draft")
    other, of_old, old = rewarded("live")
    lifecycle.archive(old, SYSTEM)

    answers = [
        bob.patch(f"/warehouse/metrics/{of_plans.pk}", change),
        other.patch(f"/warehouse/metrics/{of_old.pk}", change),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_metric_is_not_held_by_what_nobody_can_find() -> None:
    _, of_plans, optimization = rewarded("draft")
    bob = factories.admin_of(optimization.organization)
    path = f"/warehouse/metrics/{of_plans.pk}"
    in_use = bob.delete(path)
    optimization.deleted_at = optimization.created_at
    optimization.save()

    kept = bob.delete(path)

    assert (in_use.status_code, kept.status_code) == (409, 409)
    assert optimization.name in error_of(in_use)["message"]
    assert "history" in error_of(kept)["message"]
    assert body_of(bob.get(path))["name"] == of_plans.name

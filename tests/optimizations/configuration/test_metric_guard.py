"""A metric keeps the goal of what went live with it."""

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


def rewarded(status: str) -> tuple[Api, Metric, Optimization]:
    """Make an optimization for weighted outcomes; a member, its metric, it."""
    organization = make_organization()
    of_plans = make_metric(organization, "outcomes")
    optimization = make_optimization(
        organization,
        status=status,
        reward_metric_id=of_plans.pk,
        training_data_config=make_config(reward={"name": "spent", "type": "outcomes"}),
    )
    return factories.make_member_api(organization), of_plans, optimization


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
    assert f"“{optimization.name}” went live" in read_error(refused)["message"]
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
    lifecycle.archive_optimization(old, SYSTEM_ACTOR)

    answers = [
        bob.patch(f"/warehouse/metrics/{of_plans.pk}", change),
        other.patch(f"/warehouse/metrics/{of_old.pk}", change),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_metric_is_not_held_by_what_nobody_can_find() -> None:
    _, of_plans, optimization = rewarded("draft")
    bob = factories.make_admin_api(optimization.organization)
    path = f"/warehouse/metrics/{of_plans.pk}"
    in_use = bob.delete(path)
    optimization.deleted_at = optimization.created_at
    optimization.save()

    kept = bob.delete(path)

    assert (in_use.status_code, kept.status_code) == (409, 409)
    assert optimization.name in read_error(in_use)["message"]
    assert "history" in read_error(kept)["message"]
    assert read_body(bob.get(path))["name"] == of_plans.name

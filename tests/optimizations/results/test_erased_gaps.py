"""A guardrail that was counted first after an erasure lacks people, and notes say so."""

from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric
from optimizations.configuration import create_update
from optimizations.cube import erased_remainders, person_erasure, refresh
from optimizations.models import Optimization
from tests.support import optimization_factories, warehouse_events
from tests.support.cube_events import hour_of_day_back
from tests.support.factories import read_body
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.reference_cube import Touch
from tests.support.result_visitors import make_member_api

pytestmark = pytest.mark.django_db(transaction=True)

A, B = (f'{{"cta":false,"headline":"{level}"}}' for level in "AB")
REFUNDS = optimization_factories.SQL.replace("purchase", "refund")
LACKS = (
    "{users} of sealed days were erased while {metric} was not counted, and left no counts "
    "for it: what it counted since lacks them, the figures of the reward still have them."
)


def make_world(users: int = 400) -> Optimization:
    """Make an optimization, half held out, whose users were seen on two sealed days."""
    optimization = optimization_factories.make_optimization(
        make_organization(), holdout_percentage=50
    )
    touches = [
        Touch(f"u{n}", hour_of_day_back(5 + n % 2), A, "{}", 0) for n in range(users)
    ]
    warehouse_events.store_events(
        optimization.organization_id, str(optimization.pk), touches
    )
    return optimization


def erase(optimization: Optimization, *users: str) -> None:
    """Erase these people."""
    for user in users:
        person_erasure.erase_user(optimization.organization_id, user, SYSTEM_ACTOR)


def attach(optimization: Optimization, *metrics: Metric) -> Optimization:
    """Make these metrics its guardrails."""
    fields = {"guardrail_metric_ids": [metric.pk for metric in metrics]}
    create_update.update_configuration(optimization, fields, SYSTEM_ACTOR)
    return Optimization.objects.get(pk=optimization.pk)


def read(optimization: Optimization, name: str) -> dict[str, Any]:
    """Have all counted, and return an answer."""
    path = f"/optimizations/{optimization.pk}/{name}?refresh=true"
    body: dict[str, Any] = read_body(make_member_api(optimization).get(path))
    return body


def count_users(optimization: Optimization, metric: Metric) -> int:
    """Return the users of a metric's counts."""
    return int(refresh.load_cube(optimization, metric).arrays.users.sum())


def test_a_guardrail_from_after_an_erasure_says_that_it_lacks_people() -> None:
    optimization = make_world()
    read(optimization, "results")
    erase(optimization, "u0", "u1", "u2")
    refunds = make_metric(optimization.organization, name="refunds", sql=REFUNDS)
    optimization = attach(optimization, refunds)

    results = read(optimization, "results")
    (row,) = read(optimization, "guardrails")["guardrails"]
    daily = read(optimization, "holdout-daily")["metrics"]

    assert optimization.reward_metric is not None
    assert count_users(optimization, optimization.reward_metric) == 400
    assert count_users(optimization, refunds) == 397
    assert results["notes"] == [
        LACKS.format(users="3 users", metric="the guardrail refunds")
    ]
    own = LACKS.format(users="3 users", metric="this metric")
    assert row["notes"] == [own]
    assert [part["notes"] for part in daily] == [[], [own]]


def test_a_gap_raises_no_alarm() -> None:
    optimization = make_world()
    before = read(optimization, "results")
    erase(optimization, *(f"u{n}" for n in range(40)))
    refunds = make_metric(optimization.organization, name="refunds", sql=REFUNDS)
    optimization = attach(optimization, refunds)

    results = read(optimization, "results")
    (row,) = read(optimization, "guardrails")["guardrails"]

    assert len(row["notes"]) == 1
    assert row["status"] in {"ok", "pending"}
    assert results["checks"]["sample_ratio"] == before["checks"]["sample_ratio"]
    assert list_codes(results) == list_codes(before)


def list_codes(results: dict[str, Any]) -> list[str]:
    """Return what the health names."""
    return [reason["code"] for reason in results["health"]["reasons"]]


def test_a_guardrail_that_counts_what_the_reward_does_lacks_nobody() -> None:
    optimization = make_world(40)
    read(optimization, "results")
    erase(optimization, "u0", "u1")
    twin = make_metric(optimization.organization)
    optimization = attach(optimization, twin)

    results = read(optimization, "results")

    assert count_users(optimization, twin) == 40
    assert results["notes"] == []


def test_a_metric_that_was_there_before_the_erasure_lacks_nobody() -> None:
    optimization = make_world(40)
    refunds = make_metric(optimization.organization, sql=REFUNDS)
    read(optimization, "results")
    erase(optimization, "u0", "u1")

    optimization = attach(optimization, refunds)

    assert read(optimization, "results")["notes"] == []
    assert count_users(optimization, refunds) == 40


def test_people_erased_since_it_is_counted_are_not_lacking() -> None:
    optimization = make_world(40)
    read(optimization, "results")
    erase(optimization, "u0")
    refunds = make_metric(optimization.organization, name="refunds", sql=REFUNDS)
    optimization = attach(optimization, refunds)
    read(optimization, "results")
    erase(optimization, "u1", "u2")

    results = read(optimization, "results")

    assert count_users(optimization, refunds) == 39
    assert results["notes"] == [
        LACKS.format(users="1 user", metric="the guardrail refunds")
    ]


def test_days_without_events_any_more_lack_nobody() -> None:
    optimization = make_world(40)
    read(optimization, "results")
    erase(optimization, "u0", "u1")
    refunds = make_metric(optimization.organization, name="refunds", sql=REFUNDS)
    optimization = attach(optimization, refunds)

    with override_settings(RETENTION_DAYS=3):
        erased_remainders.delete_remainders_before(timezone.now().date())
        results = read(optimization, "results")

    assert results["notes"] == []

"""One cut of the data: a refresh counts all metrics, and each answer says as of when."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import refresh
from optimizations.models import Optimization, PublishedDay
from optimizations.serving import decision, snapshot
from tests.support import factories, optimization_factories, traffic, warehouse_events
from tests.support.factories import read_body
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.reference_cube import Reward, Touch
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

REFRESHED = ("results", "progress", "guardrails", "holdout-daily", "outcome-mix")
BASELINE = '{"cta":false,"headline":"A"}'


def read_all(optimization: Optimization) -> dict[str, Any]:
    """Return every answer about the stored counts, by its name."""
    api = make_member_api(optimization)
    names = (*REFRESHED, "report-data", "lift-history")
    return {
        name: read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))
        for name in names
    }


def list_as_of(bodies: dict[str, Any]) -> list[str]:
    """Return the `as_of` of every part of every answer about counts of now."""
    report = bodies["report-data"]
    documents = [
        *(bodies[name] for name in REFRESHED),
        *bodies["guardrails"]["guardrails"],
        *bodies["holdout-daily"]["metrics"],
        report,
        *(report[part] for part in ("results", "holdout_daily", "outcome_mix")),
        report["guardrails"],
    ]
    return [document["as_of"] for document in documents]


@pytest.mark.parametrize("asked", [*REFRESHED, "report-data"])
def test_whichever_answer_refreshes_all_are_of_one_moment(asked: str) -> None:
    organization = make_organization()
    guard = make_metric(organization)
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[guard.pk]
    )
    path = f"/optimizations/{optimization.pk}/{asked}?refresh=true"

    before = list_as_of(read_all(optimization))
    answer = read_body(make_member_api(optimization).get(path))
    after = list_as_of(read_all(optimization))

    assert set(before) == {None}
    assert set(after) == {answer["as_of"]}
    assert answer["as_of"] is not None


def test_late_events_of_a_guardrail_are_in_every_answer_after_one_refresh() -> None:
    organization = make_organization()
    refunds = make_metric(
        organization,
        sql=optimization_factories.SQL.replace("purchase", "refund"),
        direction="decrease",
    )
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[refunds.pk]
    )
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    read_body(api.get(f"{path}/results?refresh=true"))
    before = read_all(optimization)
    rewards = [
        {
            "anonymous_id": exposure.anonymous_id,
            "name": "refund",
            "timestamp": exposure.timestamp_utc.isoformat(),
        }
        for exposure in ManagedExposure.objects.all()
    ]
    for start in (0, 500):
        traffic.send_rewards(optimization, rewards[start : start + 500])

    read_body(api.get(f"{path}/results?refresh=true"))
    after = read_all(optimization)

    rates = [
        [
            body["guardrails"]["guardrails"][0]["optimization_rate"],
            body["report-data"]["guardrails"]["guardrails"][0]["optimization_rate"],
        ]
        for body in (before, after)
    ]
    assert rates[0] == [0, 0]
    assert rates[1] == [1, 1]


def test_the_stratified_lift_is_not_misled_by_a_holdout_that_changed() -> None:
    optimization = _make_ramped_optimization()

    body = read_body(
        make_member_api(optimization).get(
            f"/optimizations/{optimization.pk}/holdout-daily"
        )
    )
    results = read_body(
        make_member_api(optimization).get(f"/optimizations/{optimization.pk}/results")
    )

    (metric,) = body["metrics"]
    shares = {row["regime"]: row["expected_share"] for row in metric["daily"]}
    assert shares == {1: 0.5, 2: 0.05}
    dates = [row["date"] for row in metric["daily"]]
    assert len(dates) > len(set(dates))  # the day of the change has both
    summed = {
        arm: sum(row[arm]["rewardsValueSum"] for row in metric["daily"])
        / sum(row[arm]["exposures"] for row in metric["daily"])
        for arm in ("holdout", "levered")
    }
    assert summed["levered"] / summed["holdout"] > 1.4
    measured = results["primary_metric_vs_holdout"]
    assert body["stratified"] == metric["stratified"]
    assert body["stratified"]["lift_percent"] == measured["lift_percent"]
    low, high = body["stratified"]["lift_ci"]
    assert [low, high] == measured["lift_ci"]
    assert low < 0 < high


def _make_ramped_optimization() -> Optimization:
    """Lower the holdout from 50 to 5% while the rate of all users goes from 5 to 15%."""
    optimization = optimization_factories.make_optimization(
        make_organization(), holdout_percentage=50
    )
    now = timezone.now()
    _store_visitors(optimization, 50, "early", 0.05, [now - timedelta(days=2), now])
    api = factories.make_admin_api(optimization.organization)
    path = f"/optimizations/{optimization.pk}"
    assert api.patch(path, {"holdout_percentage": 5}).status_code == 200
    later = [timezone.now(), timezone.now() + timedelta(hours=1)]
    _store_visitors(optimization, 5, "late", 0.15, later)
    metric = Metric.objects.get()
    refresh.count_open_days(optimization, metric, now + timedelta(days=4))
    return Optimization.objects.get()


def _store_visitors(
    optimization: Optimization,
    holdout_percentage: float,
    name: str,
    rate: float,
    moments: list[datetime],
) -> None:
    """Store 4,000 users who buy at the same rate in both arms.

    The name draws who is held out, and users get names of which the service decides so:
    the counts are the same whatever the optimization's id.
    """
    rng = random.Random(name)  # noqa: S311 - events, not secrets
    threshold = snapshot.compute_holdout_threshold(holdout_percentage)
    touches, rewards = [], []
    for number in range(4000):
        in_holdout = rng.random() < holdout_percentage / 100
        at = rng.choice(moments)
        user = next(
            user
            for user in (f"{name}-{number}-{attempt}" for attempt in itertools.count())
            if decision.is_in_holdout(str(optimization.pk), user, threshold)
            == in_holdout
        )
        variant = BASELINE if in_holdout else BASELINE.replace("A", "B")
        touches.append(Touch(user, at, variant, "{}", 0))
        if rng.random() < rate:
            rewards.append(Reward(user, at + timedelta(minutes=1)))
    owner = (optimization.organization_id, str(optimization.pk))
    warehouse_events.store_events(*owner, touches, rewards)


def test_a_published_day_has_users_and_the_interval_for_any_number_of_looks() -> None:
    optimization = train_and_return(make_visited_optimization())
    bodies = read_all(optimization)

    history = bodies["lift-history"]
    (day,) = history["daily"]

    measured = bodies["results"]["primary_metric_vs_holdout"]
    users = measured["holdout_exposures"] + measured["optimization_exposures"]
    assert day["users"] == users
    assert day["measured_lift_ci"] == measured["lift_ci"]
    assert day["measured_lift_ci_anytime"] == measured["lift_ci_anytime"]
    assert day["measured_lift_ci_anytime"][0] < day["measured_lift_ci"][0]
    assert day["as_of"] == history["as_of"] == bodies["results"]["as_of"]


def test_a_day_that_an_earlier_version_published_says_what_it_lacks() -> None:
    optimization = train_and_return(make_visited_optimization())
    published = PublishedDay.objects.get()
    for name in ("as_of", "users", "measured_lift_ci_anytime"):
        del published.figures[name]
    published.save()

    (day,) = read_all(optimization)["lift-history"]["daily"]

    assert day["users"] is day["measured_lift_ci_anytime"] is None
    assert {"users", "measured_lift_ci_anytime"} <= day["unavailable"].keys()
    published_at = published.published_at.replace(microsecond=0)
    assert datetime.fromisoformat(day["as_of"]) == published_at

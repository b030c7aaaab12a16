"""Anytime figures are tuned by the configuration and one week, and by nothing later."""

import math
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from metrics import definition
from metrics.stats import Lift
from optimizations.configuration import create_update
from optimizations.models import Optimization, Regime, ResultsSummary
from optimizations.results import stored
from optimizations.results.health import guardrails, health_storage
from optimizations.results.lift import measured_lift, measured_lift_by_context
from optimizations.results.lift.anytime_tuning import Tuning
from optimizations.results.readings import report
from tests.support import traffic
from tests.support.optimization_factories import (
    make_config,
    make_metric,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

AMOUNTS: dict[str, Any] = {
    "sql": "SELECT anonymous_id, timestamp_utc, value FROM managed_dw.rewards",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "value": "value",
        "reward_type": "numeric",
    },
}


def make_optimization_live_since(
    days: int, organization: Organization | None = None, **fields: object
) -> Optimization:
    """Make an optimization that went live so many days ago."""
    optimization = make_optimization(
        organization or make_organization(), **({"holdout_percentage": 10} | fields)
    )
    went_live_at = timezone.now() - timedelta(days=days)
    Optimization.objects.filter(pk=optimization.pk).update(went_live_at=went_live_at)
    Regime.objects.filter(optimization=optimization).update(starts_at=went_live_at)
    optimization.refresh_from_db()
    return optimization


def send_users(
    optimization: Optimization, day: int, users: int, device: str = ""
) -> None:
    """Send exposures at noon, so many days after the day of going live."""
    assert optimization.went_live_at is not None
    first = optimization.went_live_at.astimezone(UTC).date()
    moment = datetime.combine(first + timedelta(days=day), time(12), UTC)
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(
                optimization,
                f"{day}-{users}-{place}{device}",
                timestamp=moment.isoformat(),
                context={"device": device} if device else {},
            )
            for place in range(users)
        ],
    )


def count_and_find_tuning(optimization: Optimization) -> Tuning:
    """Count as a refresh does, and return the tuning in a new request."""
    health_storage.refresh_results(optimization)
    fresh = Optimization.objects.get(pk=optimization.pk)
    cube = stored.load_reward_cube(fresh)
    return measured_lift.compare_arms(fresh, fresh.reward_metric, cube).tuning


def change_holdout(optimization: Optimization, percentage: float) -> None:
    """Change the holdout as the API does; this opens a regime."""
    fields = {"holdout_percentage": percentage}
    create_update.update_configuration(optimization, fields, SYSTEM_ACTOR)


def test_until_the_first_full_week_is_over_ten_thousand_users_are_expected() -> None:
    optimization = make_optimization_live_since(6)
    send_users(optimization, -60, 1)
    send_users(optimization, 2, 30)

    tuning = count_and_find_tuning(optimization)

    assert tuning == Tuning(10_000, 0.1)
    assert ResultsSummary.objects.get().first_week_users is None


def test_then_four_times_that_week_for_good_without_rows_from_before() -> None:
    optimization = make_optimization_live_since(10)
    send_users(optimization, -60, 1)
    send_users(optimization, 0, 5)
    send_users(optimization, 1, 30)
    send_users(optimization, 7, 10)
    send_users(optimization, 8, 50)

    first = count_and_find_tuning(optimization)
    send_users(optimization, 3, 20)
    later = count_and_find_tuning(optimization)

    assert first == later == Tuning(160, 0.1)
    assert ResultsSummary.objects.get().first_week_users == 40


def test_a_configured_number_is_used_as_it_is() -> None:
    optimization = make_optimization_live_since(10, expected_users=500)
    send_users(optimization, 1, 30)

    assert count_and_find_tuning(optimization).expected_users == 500


def test_the_share_is_the_first_one_with_a_holdout_whatever_follows() -> None:
    optimization = make_optimization_live_since(10, holdout_percentage=0)
    Regime.objects.update(starts_at=timezone.now() - timedelta(days=10, hours=1))
    before = count_and_find_tuning(optimization)
    for percentage in (20, 50, 0, 40):
        change_holdout(optimization, percentage)

    assert before.holdout_share is None
    assert count_and_find_tuning(optimization).holdout_share == 0.2


def test_users_of_the_first_week_are_those_of_all_revisions_of_the_metric() -> None:
    optimization = make_optimization_live_since(10)
    send_users(optimization, 1, 30)
    assert optimization.reward_metric is not None
    health_storage.refresh_results(optimization)
    ResultsSummary.objects.update(first_week_users=None)
    definition.update_metric(
        optimization.reward_metric, {"look_back_days": 3}, SYSTEM_ACTOR
    )

    assert count_and_find_tuning(optimization).expected_users == 120


def count_and_find_shares(optimization: Optimization) -> dict[str, float]:
    """Count as a refresh does; return the share of users expected at each level."""
    health_storage.refresh_results(optimization)
    fresh = Optimization.objects.get(pk=optimization.pk)
    shares = measured_lift_by_context.find_expected_shares(
        fresh, fresh.model.design, stored.load_reward_cube(fresh)
    )
    return {level: share for (_, level), share in shares.items()}


def test_users_expected_at_a_level_are_those_of_every_regime_of_the_first_week() -> (
    None
):
    optimization = make_optimization_live_since(10, holdout_percentage=50)
    change_holdout(optimization, 5)
    fourth_day = timezone.now() - timedelta(days=6)
    Regime.objects.filter(number=2).update(starts_at=fourth_day)
    send_users(optimization, 2, 30, "mobile")
    send_users(optimization, 2, 10, "desktop")
    send_users(optimization, 6, 5, "mobile")
    send_users(optimization, 6, 15, "desktop")
    send_users(optimization, 8, 70, "mobile")

    shares = count_and_find_shares(optimization)

    # Users of each regime times their share there, over all users of the week.
    mobile = (40 * (30 / 40) + 20 * (5 / 20)) / 60
    assert shares["mobile"] == pytest.approx(mobile)
    assert shares["desktop"] == pytest.approx(1 - mobile)
    assert shares["other"] == shares["missing"] == 0.25


def test_before_the_first_week_is_over_all_levels_expect_the_same_users() -> None:
    optimization = make_optimization_live_since(5)
    send_users(optimization, 1, 30, "mobile")

    assert set(count_and_find_shares(optimization).values()) == {0.25}


@pytest.mark.parametrize("days", [5, 10])
def test_users_of_another_level_move_no_figure_of_a_level(days: int) -> None:
    optimization = make_optimization_live_since(days, holdout_percentage=50)
    send_users(optimization, 1, 600, "mobile")
    send_users(optimization, 1, 100, "desktop")
    send_rewards(optimization, 1, range(0, 600, 4), "mobile")
    before = read_mobile(optimization)
    send_users(optimization, days - 2, 900, "desktop")

    after = read_mobile(optimization)

    assert before.optimization_users + before.holdout_users == 600
    assert before.lift_ci_anytime is not None
    assert after == before


def read_mobile(optimization: Optimization) -> Lift:
    """Count; return the lift of the users with a mobile device."""
    health_storage.refresh_results(optimization)
    fresh = Optimization.objects.get(pk=optimization.pk)
    assert fresh.reward_metric is not None
    lifts = measured_lift_by_context.compare_arms_by_level(
        fresh, fresh.reward_metric, stored.load_reward_cube(fresh)
    )
    return lifts["device", "mobile"]


# What the first look after a change of the configuration shows, without any new row.
P_VALUES = (
    *("p_value", "p_value_anytime", "lift_ci", "lift_ci_anytime"),
    *("difference_ci", "difference_ci_anytime"),
)
CHANGES: dict[str, dict[str, Any]] = {
    "less holdout": {"holdout_percentage": 10},
    "more holdout": {"holdout_percentage": 80},
    "no holdout": {"holdout_percentage": 0},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("days", [3, 10])
@pytest.mark.parametrize("kind", ["bool", "numeric"])
def test_a_change_without_a_row_moves_no_published_figure(
    kind: str, days: int, change: str
) -> None:
    optimization = make_compared(kind, days)
    before = read_figures(optimization)

    create_update.update_configuration(optimization, CHANGES[change], SYSTEM_ACTOR)

    after = read_figures(optimization)
    assert optimization.regimes.count() == 2
    assert sum(not math.isnan(figure) for figure in before) >= 10
    assert after == pytest.approx(before, rel=1e-9, nan_ok=True)


def make_compared(kind: str, days: int) -> Optimization:
    """Make an optimization of a reward and a guardrail with users of both arms."""
    organization = make_organization()
    fields = AMOUNTS if kind == "numeric" else {}
    metrics = [make_metric(organization, **fields) for _ in range(2)]
    optimization = make_optimization_live_since(
        days,
        organization,
        holdout_percentage=50,
        reward_metric_id=metrics[0].pk,
        guardrail_metric_ids=[metrics[1].pk],
        training_data_config=make_config(reward={"name": "purchase", "type": kind}),
    )
    send_users(optimization, 1, 600)
    send_rewards(optimization, 1, range(0, 600, 4))
    return optimization


def send_rewards(
    optimization: Optimization, day: int, users: range, device: str = ""
) -> None:
    """Send a purchase of these users, an hour after they were seen."""
    assert optimization.went_live_at is not None
    first = optimization.went_live_at.astimezone(UTC).date()
    moment = datetime.combine(first + timedelta(days=day), time(13), UTC)
    traffic.send_rewards(
        optimization,
        [
            traffic.build_reward(
                f"{day}-600-{user}{device}",
                timestamp=moment.isoformat(),
                value=1 + user % 7,
            )
            for user in users
        ],
    )


def read_figures(optimization: Optimization) -> list[float]:
    """Return the published p-values and intervals of reward and guardrail, flat."""
    health_storage.refresh_results(optimization)
    fresh = Optimization.objects.get(pk=optimization.pk)
    results = report.build_results(fresh)
    (guardrail,) = guardrails.judge_guardrails(fresh)
    measured = results.primary_metric_vs_holdout
    documents = [asdict(measured), asdict(guardrail)]
    documents += list((documents[0]["companions"] or {}).values())
    documents.append(documents[0]["changed"] or {})
    values = [document.get(name) for document in documents for name in P_VALUES]
    return [
        math.nan if figure is None else figure
        for value in values
        for figure in (value if isinstance(value, list | tuple) else [value])
    ]

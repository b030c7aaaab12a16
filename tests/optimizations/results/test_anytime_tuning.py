"""Anytime figures are tuned by the configuration and one week, and by nothing later."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Optimization, Regime, ResultsSummary
from optimizations.results import health_evidence, measured_lift, stored
from optimizations.results.anytime_tuning import Tuning
from tests.support import traffic
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)


def make_optimization_live_since(days: int, **fields: object) -> Optimization:
    """Make an optimization that went live so many days ago."""
    optimization = make_live_optimization(**({"holdout_percentage": 10} | fields))
    went_live_at = timezone.now() - timedelta(days=days)
    Optimization.objects.filter(pk=optimization.pk).update(went_live_at=went_live_at)
    Regime.objects.filter(optimization=optimization).update(starts_at=went_live_at)
    optimization.refresh_from_db()
    return optimization


def send_users(optimization: Optimization, day: int, users: int) -> None:
    """Send exposures at noon, so many days after the day of going live."""
    assert optimization.went_live_at is not None
    first = optimization.went_live_at.astimezone(UTC).date()
    moment = datetime.combine(first + timedelta(days=day), time(12), UTC)
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(
                optimization, f"{day}-{users}-{place}", timestamp=moment.isoformat()
            )
            for place in range(users)
        ],
    )


def count_and_find_tuning(optimization: Optimization) -> Tuning:
    """Count as a refresh does, and return the tuning in a new request."""
    health_evidence.refresh_results(optimization)
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


def test_the_share_is_that_in_force_when_the_first_week_ends() -> None:
    optimization = make_optimization_live_since(10, holdout_percentage=50)
    send_users(optimization, 0, 2)
    change_holdout(optimization, 20)
    Regime.objects.filter(number=2).update(starts_at=timezone.now() - timedelta(days=9))
    send_users(optimization, 2, 20)

    during = count_and_find_tuning(optimization)
    change_holdout(optimization, 40)
    change_holdout(optimization, 0)

    assert during.holdout_share == 0.2
    assert count_and_find_tuning(optimization).holdout_share == 0.2

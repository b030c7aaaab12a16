"""A clock that jumps ahead and back leaves no stamp that stops counting or training."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from models_app.models import TrainingRun
from optimizations.cube import refresh
from optimizations.models import CubeDay, Optimization
from optimizations.training import schedule
from tests.support import optimization_factories, traffic
from tests.support.learning import headline_b_rate
from tests.support.training_workers import request_run, run_here

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def optimization() -> Optimization:
    """Return a live optimization with 300 visitors of three days ago."""
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    at = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, at, 300, headline_b_rate)
    return optimization


def jump_ahead_and_back(optimization: Optimization) -> None:
    """Leave the stamps of a training that ran while the clock was a month ahead."""
    run_here(request_run(optimization))
    month = timedelta(days=30)
    ahead = timezone.now() + month
    CubeDay.objects.update(sealed=True, computed_at=ahead)
    TrainingRun.objects.update(
        created_at=ahead, started_at=ahead, finished_at=ahead, heartbeat_at=ahead
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE look_backs SET until = %s, kept_at = %s", [ahead, ahead])


def count_users(optimization: Optimization) -> int:
    """Count now; return the users of all days."""
    metric = optimization.reward_metric
    assert metric is not None
    cube = refresh.refresh_cube(optimization, metric, timezone.now())
    return sum(cell.users for cell in cube.cells)


def test_a_clock_that_was_set_back_does_not_stop_the_training(
    optimization: Optimization,
) -> None:
    jump_ahead_and_back(optimization)

    assert schedule.retrain_due() == 1


def test_days_that_a_clock_ahead_has_sealed_are_counted_again(
    optimization: Optimization,
) -> None:
    jump_ahead_and_back(optimization)
    before = timezone.now()
    traffic.send_exposures(optimization, [traffic.build_exposure(optimization, "new")])

    users = count_users(optimization)

    assert users == 301
    assert not CubeDay.objects.filter(computed_at__gt=timezone.now()).exists()
    assert CubeDay.objects.filter(computed_at__gte=before).exists()


def test_counts_are_never_as_of_the_future(optimization: Optimization) -> None:
    jump_ahead_and_back(optimization)
    metric = optimization.reward_metric
    assert metric is not None

    stale = refresh.load_cube(optimization, metric)
    count_users(optimization)
    fresh = refresh.load_cube(optimization, metric)

    for cube in (stale, fresh):
        assert cube.as_of is not None
        assert cube.as_of <= timezone.now()

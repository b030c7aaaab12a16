"""The clock and a connected warehouse: who asks it what, and when a training follows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.utils import timezone

from levered_site.celery import app
from models_app.models import TrainingRun
from optimizations import tasks
from optimizations.models import Optimization
from optimizations.training import schedule, warehouse_question
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import (
    launch_optimization,
    simulate_history,
    train_queued_run,
)

pytestmark = pytest.mark.django_db(transaction=True)

KEY = '{"cta":false,"headline":"A"}'
Status = TrainingRun.Status


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Leave no task of one test for another."""
    app.control.purge()
    yield
    app.control.purge()


def launch_with_history(second: SecondServer) -> tuple[Any, str]:
    """Launch an optimization whose exposures only the warehouse has."""
    alice, body = launch_optimization(second)
    second.store(
        body["id"], *simulate_history(body["id"], timezone.now(), holdout_percentage=0)
    )
    return alice, body["id"]


def count_questions(now: datetime | None = None) -> int:
    """Let the clock tick; return how many questions it sent, and take them away."""
    assert schedule.retrain_due(now) == 0
    return app.control.purge() or 0


def test_the_clock_trains_from_exposures_that_only_the_warehouse_has(
    second: SecondServer,
) -> None:
    _, optimization_id = launch_with_history(second)

    questions = count_questions()
    tasks.ask_warehouse(optimization_id)
    run = train_queued_run(optimization_id)

    assert questions == 1
    assert (run.status, run.requested_by) == (Status.SUCCEEDED, "system:clock")


def test_rewards_after_the_last_exposure_are_trained_and_nothing_new_is_not(
    second: SecondServer,
) -> None:
    _, optimization_id = launch_with_history(second)
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)

    unchanged = warehouse_question.ask_warehouse(UUID(optimization_id))
    at = timezone.now() - timedelta(hours=1)
    second.store(optimization_id, [], [Reward("visitor-3", at)])
    rewarded = warehouse_question.ask_warehouse(UUID(optimization_id))

    assert unchanged is None
    assert rewarded is not None
    assert train_queued_run(optimization_id).status == Status.SUCCEEDED


def test_the_question_reads_open_days_only(second: SecondServer) -> None:
    _, optimization_id = launch_with_history(second)
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)
    sealed = timezone.now() - timedelta(days=30)

    second.store(optimization_id, [Touch("late", sealed, KEY, "{}", 0)])
    late = warehouse_question.ask_warehouse(UUID(optimization_id))
    at = timezone.now() - timedelta(minutes=1)
    second.store(optimization_id, [Touch("new", at, KEY, "{}", 0)])
    fresh = warehouse_question.ask_warehouse(UUID(optimization_id))

    assert late is None
    assert fresh is not None


def test_a_refresh_hides_no_row_from_the_clock(second: SecondServer) -> None:
    alice, optimization_id = launch_with_history(second)
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)
    at = timezone.now() - timedelta(minutes=1)
    second.store(optimization_id, [Touch("new", at, KEY, "{}", 0)])

    answer = alice.get(f"/optimizations/{optimization_id}/results?refresh=true")
    run = warehouse_question.ask_warehouse(UUID(optimization_id))

    assert answer.status_code == 200
    assert run is not None


def test_rewards_without_exposures_are_nothing_to_learn_from(
    second: SecondServer,
) -> None:
    _, body = launch_optimization(second)
    second.store(body["id"], [], [Reward("somebody", timezone.now())])

    assert warehouse_question.ask_warehouse(UUID(body["id"])) is None


def test_a_warehouse_is_asked_once_per_interval_also_by_a_clock_that_was_set_back(
    second: SecondServer,
) -> None:
    _, body = launch_optimization(second)
    now = timezone.now()
    minutes = Optimization.objects.get(pk=body["id"]).retrain_every_minutes

    first, soon = count_questions(now), count_questions(now + timedelta(seconds=30))
    due = count_questions(now + timedelta(minutes=minutes))
    ahead = count_questions(now + timedelta(days=30))
    back = count_questions(now + timedelta(minutes=minutes + 1))

    assert (first, soon, due, ahead, back) == (1, 0, 1, 1, 1)


def test_the_managed_store_is_asked_by_the_clock_itself(second: SecondServer) -> None:
    alice, _ = launch_optimization(second)
    alice.delete("/warehouse/connections")
    cache.clear()

    assert count_questions() == 0


def test_a_question_that_fails_becomes_a_failed_run_that_says_why(
    second: SecondServer,
) -> None:
    _, optimization_id = launch_with_history(second)
    with second.owner() as owner:
        owner.execute("REVOKE SELECT ON public.shown FROM reader")
    try:
        tasks.ask_warehouse(optimization_id)
        run = train_queued_run(optimization_id)
    finally:
        with second.owner() as owner:
            owner.execute("GRANT SELECT ON public.shown TO reader")

    assert run.status == Status.FAILED
    assert "permission denied" in run.error

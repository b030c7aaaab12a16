"""The clock and a connected warehouse: who asks it what, and when a training follows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from levered_site.celery import app
from models_app.models import TrainingRun
from optimizations import tasks
from optimizations.cube import refresh
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


def test_a_question_within_a_day_reads_open_days_only(second: SecondServer) -> None:
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


def start_next_day() -> None:
    """Forget, as the cache does after a day, which questions were asked."""
    cache.clear()


def ask(optimization_id: str) -> TrainingRun | None:
    return warehouse_question.ask_warehouse(UUID(optimization_id))


@pytest.mark.parametrize("is_reward", [False, True])
def test_late_rows_of_a_sealed_day_are_trained_once_within_a_day(
    second: SecondServer, is_reward: bool
) -> None:
    _, optimization_id = launch_with_history(second)
    at = timezone.now() - timedelta(days=30)
    second.store(optimization_id, [Touch("early", at, KEY, "{}", 0)])
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)
    touches = [] if is_reward else [Touch("late", at, KEY, "{}", 0)]
    rewards = [Reward("early", at + timedelta(hours=1))] if is_reward else []

    second.store(optimization_id, touches, rewards)
    soon = ask(optimization_id)
    start_next_day()
    next_day = ask(optimization_id)
    run = train_queued_run(optimization_id)
    start_next_day()
    afterwards = ask(optimization_id)

    assert (soon, afterwards) == (None, None)
    assert next_day is not None
    assert run.status == Status.SUCCEEDED
    optimization = Optimization.objects.get(pk=optimization_id)
    assert optimization.reward_metric is not None
    cube = refresh.load_cube(optimization, optimization.reward_metric)
    early = [cell for cell in cube.cells if cell.day == at.astimezone(UTC).date()]
    assert sum(cell.users for cell in early) == (1 if is_reward else 2)


def test_rewards_from_before_the_first_exposure_are_no_reason_to_train(
    second: SecondServer,
) -> None:
    _, optimization_id = launch_with_history(second)
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)
    at = timezone.now() - timedelta(days=60)

    second.store(optimization_id, [], [Reward("visitor-3", at)])
    start_next_day()

    assert ask(optimization_id) is None


def test_without_exposures_the_whole_history_is_asked_for_once_a_day(
    second: SecondServer,
) -> None:
    _, body = launch_optimization(second)
    nothing = ask(body["id"])
    before_launch = timezone.now() - timedelta(days=10)

    second.store(body["id"], [Touch("early", before_launch, KEY, "{}", 0)])
    soon = ask(body["id"])
    second.store(body["id"], [Touch("new", timezone.now(), KEY, "{}", 0)])
    since_launch = ask(body["id"])

    assert (nothing, soon) == (None, None)
    assert since_launch is not None


def test_exposures_from_before_going_live_are_found_on_the_next_day(
    second: SecondServer,
) -> None:
    _, body = launch_optimization(second)
    ask(body["id"])
    before_launch = timezone.now() - timedelta(days=10)

    second.store(body["id"], [Touch("early", before_launch, KEY, "{}", 0)])
    start_next_day()

    assert ask(body["id"]) is not None


def test_counts_of_days_past_their_retention_stay(second: SecondServer) -> None:
    _, optimization_id = launch_with_history(second)
    at = timezone.now() - timedelta(days=30)
    second.store(optimization_id, [Touch("early", at, KEY, "{}", 0)])
    tasks.ask_warehouse(optimization_id)
    train_queued_run(optimization_id)
    optimization = Optimization.objects.get(pk=optimization_id)
    metric = optimization.reward_metric
    assert metric is not None
    users = sum(cell.users for cell in refresh.load_cube(optimization, metric).cells)

    with override_settings(RETENTION_DAYS=20):
        start_next_day()
        question = ask(optimization_id)
        for full in (False, True):
            now = timezone.now()
            cube = refresh.refresh_cube(optimization, metric, now, full=full)
            assert sum(cell.users for cell in cube.cells) == users

    assert question is None


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

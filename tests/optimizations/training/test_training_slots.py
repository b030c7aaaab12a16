"""Training slots: no organization takes all workers, and each gets its turn."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from levered_site.celery import app
from models_app import runs, training_slots
from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import optimization_factories
from tests.support.training_workers import (
    lock_optimization_row,
    request_run,
    run_here,
    run_in_thread,
    wait_until_running,
)

pytestmark = pytest.mark.django_db(transaction=True)
Status = TrainingRun.Status


def request_three_runs() -> list[TrainingRun]:
    """Request one run of each of three optimizations of a new organization."""
    organization = optimization_factories.make_organization()
    optimizations = [
        optimization_factories.make_optimization(organization) for _ in range(3)
    ]
    return [request_run(optimization) for optimization in optimizations]


def list_sent(requested: list[TrainingRun]) -> list[bool]:
    """Return which runs the broker has got."""
    for run in requested:
        run.refresh_from_db()
    return [run.sent_at is not None for run in requested]


def test_the_broker_gets_one_run_of_each_organization_at_a_time() -> None:
    app.control.purge()
    first, second = request_three_runs(), request_three_runs()

    sent = [list_sent(first), list_sent(second)]
    tasks_sent = app.control.purge()
    runs.cancel_run(first[0])

    assert sent == [[True, False, False]] * 2
    assert tasks_sent == 2
    assert list_sent(first) == [True, True, False]


def test_the_reaper_sends_a_run_whose_slot_was_freed_by_a_death() -> None:
    requested = request_three_runs()
    TrainingRun.objects.filter(pk=requested[0].pk).update(status=Status.FAILED)

    assert runs.reap_lost_runs() == 1
    assert list_sent(requested) == [True, True, False]


def test_the_end_of_a_run_sends_the_organizations_next_one() -> None:
    requested = request_three_runs()

    run_here(requested[0])  # it fails: there is nothing to learn

    assert list_sent(requested) == [True, True, False]


def test_more_slots_send_more_runs(settings: Any) -> None:
    settings.TRAINING_SLOTS_PER_ORGANIZATION = 2

    assert list_sent(request_three_runs()) == [True, True, False]


def test_a_second_worker_leaves_a_run_to_wait_for_the_slot(
    optimization: Optimization,
) -> None:
    other = optimization_factories.make_optimization(optimization.organization)
    run, waiting = request_run(optimization), request_run(other)
    with (
        lock_optimization_row(optimization) as release_row,
        ThreadPoolExecutor(1) as pool,
    ):
        worker = pool.submit(run_in_thread, run)
        wait_until_running(run)
        run_here(waiting)
        status_meanwhile = waiting.status
        release_row()
        worker.result()

    waiting.refresh_from_db()
    assert status_meanwhile == Status.QUEUED
    assert waiting.sent_at is not None  # the end of the first run has sent it
    assert run_here(run).status == Status.SUCCEEDED


def test_another_organization_has_slots_of_its_own() -> None:
    with (
        training_slots.hold_slot("org_a") as has_slot,
        ThreadPoolExecutor(1) as pool,
    ):
        same = pool.submit(try_slot, "org_a").result()
        other = pool.submit(try_slot, "org_b").result()
    with ThreadPoolExecutor(1) as pool:
        freed = pool.submit(try_slot, "org_a").result()

    assert (has_slot, same, other, freed) == (True, False, True, True)


def try_slot(organization_id: str) -> bool:
    """Try a slot on the connection of the calling thread."""
    with training_slots.hold_slot(organization_id) as has_slot:
        pass
    connections.close_all()
    return has_slot


def test_a_clock_that_was_set_back_loses_no_run(optimization: Optimization) -> None:
    run = request_run(optimization)
    ahead = timezone.now() + timedelta(days=1)
    TrainingRun.objects.update(sent_at=ahead)

    queued = runs.reap_lost_runs()
    TrainingRun.objects.update(status=Status.RUNNING, heartbeat_at=ahead, sent_at=ahead)
    running = runs.reap_lost_runs()

    assert (queued, running) == (1, 1)
    assert run_here(run).status == Status.SUCCEEDED

"""Runs that do not succeed: cancelled, lost, reaped; and runs that the clock requests."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from levered_site.errors import ConflictError
from models_app import runs, training_lease
from models_app.bandit.regression import newton
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from optimizations.models import CubeDay, Optimization
from optimizations.training import schedule
from tests.support import optimization_factories, traffic
from tests.support.learning import headline_b_rate
from tests.support.training_workers import (
    lock_optimization_row,
    request_run,
    run_here,
    run_in_thread,
    wait_until_running,
)
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)
Status = TrainingRun.Status


def test_a_queued_run_is_cancelled_at_once(optimization: Optimization) -> None:
    run = runs.cancel_run(request_run(optimization))

    assert run_here(run).status == Status.CANCELLED
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.UNTRAINED
    with pytest.raises(ConflictError, match="has ended"):
        runs.cancel_run(run)


@pytest.mark.parametrize("had_trained", [False, True])
def test_a_training_without_exposures_says_so_and_fails_no_model(
    had_trained: bool,
) -> None:
    optimization = optimization_factories.make_live_optimization()
    model = optimization.model
    if had_trained:
        traffic.simulate_visitors(
            optimization, timezone.now() - timedelta(days=3), 50, headline_b_rate
        )
        assert run_here(request_run(optimization)).status == Status.SUCCEEDED
        model.refresh_from_db()
    ManagedExposure.objects.all().delete()
    CubeDay.objects.all().delete()

    run = run_here(request_run(optimization))

    model.refresh_from_db()
    assert "there are no exposures yet" in run.error
    assert model.status == ("trained" if had_trained else "untrained")


def test_a_running_run_stops_at_its_next_phase(optimization: Optimization) -> None:
    run = request_run(optimization)
    with (
        lock_optimization_row(optimization) as release_row,
        ThreadPoolExecutor(1) as pool,
    ):
        worker = pool.submit(run_in_thread, run)
        wait_until_running(run)
        runs.cancel_run(run)
        time.sleep(2.5)  # a heartbeat
        release_row()
        worker.result()

    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert PolicyVersion.objects.count() == 1


def test_a_cancel_between_two_heartbeats_ends_the_run_too(
    optimization: Optimization,
) -> None:
    run = request_run(optimization)
    with (
        lock_optimization_row(optimization) as release_row,
        ThreadPoolExecutor(1) as pool,
    ):
        worker = pool.submit(run_in_thread, run)
        wait_until_running(run)
        runs.cancel_run(run)
        release_row()
        worker.result()

    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.UNTRAINED
    assert PolicyVersion.objects.count() == 1


def test_a_worker_without_its_lease_cannot_record_the_run(
    optimization: Optimization,
) -> None:
    run = request_run(optimization)
    first = training_lease.acquire_lease(run.pk)
    second = training_lease.acquire_lease(run.pk)

    assert first is not None
    assert second is not None
    with pytest.raises(training_lease.LeaseLostError), transaction.atomic():
        training_lease.mark_succeeded(first)
    with pytest.raises(training_lease.LeaseLostError):
        training_lease.renew_lease(first)
    assert training_lease.renew_lease(second)
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.RUNNING, 2)


def test_the_reaper_sends_silent_and_unsent_runs_again(
    optimization: Optimization, settings: Any
) -> None:
    run = request_run(optimization)
    old = timezone.now() - timedelta(minutes=1)
    assert training_lease.acquire_lease(run.pk) is not None
    assert runs.reap_lost_runs() == 0  # its heartbeat is recent
    TrainingRun.objects.update(heartbeat_at=old, sent_at=old)

    assert runs.reap_lost_runs() == 1
    assert runs.reap_lost_runs() == 0  # just sent

    assert run_here(run).status == Status.SUCCEEDED
    assert run.attempts == 2


def test_a_run_whose_workers_died_again_and_again_is_sent_again_at_once(
    optimization: Optimization, settings: Any
) -> None:
    """Only runs that no worker began are sent ever more rarely."""
    settings.CELERY_TASK_ALWAYS_EAGER = False
    run = request_run(optimization)
    silent = timezone.now() - timedelta(seconds=31)
    for deaths in range(1, runs.MAX_ATTEMPTS):
        assert training_lease.acquire_lease(run.pk) is not None
        TrainingRun.objects.update(heartbeat_at=silent, sent_at=silent)
        assert runs.reap_lost_runs() == 1, deaths


def test_a_run_that_no_worker_begins_is_sent_ever_more_rarely(
    optimization: Optimization,
) -> None:
    request_run(optimization)
    gaps = []
    for seconds in (31, 31, 61, 61, 121):
        sent_at = timezone.now() - timedelta(seconds=seconds)
        TrainingRun.objects.update(sent_at=sent_at)
        gaps.append(runs.reap_lost_runs())

    assert gaps == [1, 0, 1, 0, 1]


def test_a_run_that_is_lost_too_often_fails(
    optimization: Optimization,
) -> None:
    run = request_run(optimization)
    old = timezone.now() - timedelta(hours=1)
    for _ in range(runs.MAX_ATTEMPTS):
        assert training_lease.acquire_lease(run.pk) is not None
    TrainingRun.objects.update(heartbeat_at=old, sent_at=old)

    assert runs.reap_lost_runs() == 0

    run.refresh_from_db()
    assert (run.status, run.error) == (
        Status.FAILED,
        "given up after 5 attempts that did not finish",
    )


def test_a_run_is_requested_when_it_is_due_and_has_new_data(
    optimization: Optimization,
) -> None:
    assert schedule.retrain_due() == 1
    assert schedule.retrain_due() == 0  # a run is open
    run_here(TrainingRun.objects.get())
    later = timezone.now() + timedelta(minutes=61)

    assert schedule.retrain_due() == 0  # too early
    _age_everything()
    assert schedule.retrain_due(later) == 0  # nothing new
    traffic.send_exposures(optimization, [traffic.build_exposure(optimization, "new")])
    assert schedule.retrain_due(later) == 1

    requesters = TrainingRun.objects.values_list("requested_by", flat=True)
    assert list(requesters) == ["system:clock"] * 2


def test_no_run_is_requested_without_exposures() -> None:
    idle = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    traffic.send_rewards(idle, [traffic.build_reward("somebody")])

    assert schedule.retrain_due() == 0

    assert not TrainingRun.objects.exists()


def _age_everything() -> None:
    for table in (ManagedExposure, ManagedReward):
        table.objects.update(created_at=F("created_at") - timedelta(hours=1))


def test_a_fit_that_does_not_converge_leaves_the_live_policy_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No count that a day can store is so large that the search fails: it may not step."""
    optimization = optimization_factories.make_live_optimization(
        training_data_config=optimization_factories.make_config(context_factors=[])
    )
    for days in 2, 3:
        traffic.simulate_visitors(
            optimization, timezone.now() - timedelta(days=days), 60, headline_b_rate
        )
    first = run_here(request_run(optimization))
    monkeypatch.setattr(newton, "MAX_HALVINGS", 0)

    run = run_here(request_run(optimization))

    assert (first.status, run.status) == (Status.SUCCEEDED, Status.FAILED)
    assert run.error == "the model did not converge: no step raises the log posterior"
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.TRAINED
    assert optimization.model.policy_version == 1
    assert PolicyVersion.objects.count() == 2

"""Training runs: one at a time, whatever dies; a failure leaves the live policy alone."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone

from levered_site.celery import app
from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import runs, versions
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from optimizations import tasks
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from optimizations.serving import snapshot_loader
from optimizations.training import fit
from optimizations.training.run import run_training
from tests.support import optimization_factories
from tests.support.training_workers import (
    lock_optimization_row,
    request_run,
    run_here,
    run_in_thread,
    wait_until_running,
    wait_until_status,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
Status = TrainingRun.Status


def test_a_second_call_joins_the_open_run(optimization: Optimization) -> None:
    def request(_: int) -> Any:
        run = request_run(Optimization.objects.select_related("model").get())
        connections.close_all()
        return run.pk

    with ThreadPoolExecutor(6) as pool:
        run_ids = set(pool.map(request, range(12)))

    assert len(run_ids) == 1
    assert TrainingRun.objects.count() == 1
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.TRAINING


def test_a_task_delivered_twice_does_the_work_once(optimization: Optimization) -> None:
    run = run_here(request_run(optimization))

    tasks.train(str(run.pk))

    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1)
    assert PolicyVersion.objects.count() == 2


def test_two_workers_with_the_same_run_do_it_once(optimization: Optimization) -> None:
    run = request_run(optimization)

    def work(_: int) -> None:
        run_training(run.pk)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1)
    assert PolicyVersion.objects.count() == 2


def test_the_policy_is_published_when_the_run_is_recorded(
    optimization: Optimization,
) -> None:
    before = snapshot_loader.query_snapshot(str(optimization.pk))

    run_here(request_run(optimization))

    after = snapshot_loader.query_snapshot(str(optimization.pk))
    assert before is not None
    assert after is not None
    assert (before.policy_version, after.policy_version) == (0, 1)
    assert after.version > before.version
    b = [card.number - 1 for card in after.cards if card.levels["headline"] == "B"]
    assert after.probabilities[0, b].sum() > 0.7
    assert after.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_where_less_is_better_the_lowest_variant_gets_the_traffic(
    optimization: Optimization,
) -> None:
    metric = optimization.reward_metric
    assert metric is not None
    metric.direction = "decrease"
    metric.save()

    run_here(request_run(optimization))

    after = snapshot_loader.query_snapshot(str(optimization.pk))
    assert after is not None
    a = [card.number - 1 for card in after.cards if card.levels["headline"] == "A"]
    assert after.probabilities[0, a].sum() > 0.7
    report = PolicyVersion.objects.get(number=1).report
    assert report is not None
    assert report["best_variant"] in {1, 2}


def test_a_failed_run_says_why_and_leaves_the_policy(
    optimization: Optimization,
) -> None:
    run_here(request_run(optimization))
    metric = optimization.reward_metric
    assert metric is not None
    metric.sql = "SELECT anonymous_id, 1/0 AS timestamp_utc FROM managed_dw.rewards"
    metric.save()

    run = run_here(request_run(optimization))

    assert run.status == Status.FAILED
    assert run.error
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.TRAINED
    assert optimization.model.policy_version == 1
    assert PolicyVersion.objects.count() == 2


def test_without_exposures_there_is_nothing_to_learn() -> None:
    empty = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )

    run = run_here(request_run(empty))

    assert (run.status, run.error) == (Status.FAILED, fit.NO_EXPOSURES)
    empty.model.refresh_from_db()
    assert empty.model.status == BanditModel.Status.UNTRAINED
    assert empty.model.policy_version == 0


def test_only_a_live_optimization_is_trained(optimization: Optimization) -> None:
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)

    with pytest.raises(ConflictError, match="this one is paused"):
        request_run(
            Optimization.objects.select_related("model").get(pk=optimization.pk)
        )

    assert not TrainingRun.objects.exists()


def test_a_bias_of_an_unknown_factor_is_refused(optimization: Optimization) -> None:
    with pytest.raises(InvalidParametersError) as refusal:
        runs.request_training(
            optimization.model, requested_by="test", bias={"price": 0.1}
        )

    assert [problem.field for problem in refusal.value.details] == ["bias.price"]
    assert not TrainingRun.objects.exists()


def test_a_variant_disabled_after_training_gets_no_traffic(
    optimization: Optimization,
) -> None:
    run = request_run(optimization)
    with (
        lock_optimization_row(optimization) as release_row,
        ThreadPoolExecutor(1) as pool,
    ):
        worker = pool.submit(run_in_thread, run)
        wait_until_running(run)
        release_row()
        worker.result()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED

    optimization.variants.filter(number=4).update(enabled=False)
    with transaction.atomic():
        version = versions.publish_enabled(
            BanditModel.objects.get(), optimization.servable()
        )

    table = versions.read_table(version)
    assert (table[:, 3] == 0).all()
    assert table.sum(axis=1) == pytest.approx(1.0)
    assert version.number == 2


def test_another_worker_finishes_the_run_of_a_killed_one(
    optimization: Optimization,
) -> None:
    run = request_run(optimization)
    with (
        lock_optimization_row(optimization) as release_row,
        _start_worker_process() as worker,
    ):
        try:
            wait_until_running(run)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        release_row()
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.RUNNING, 1)
    minute_ago = timezone.now() - timedelta(minutes=1)
    TrainingRun.objects.update(heartbeat_at=minute_ago, sent_at=minute_ago)

    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        assert runs.reap_lost_runs() == 1
        wait_until_status(run, Status.SUCCEEDED)

    assert run.attempts == 2
    assert PolicyVersion.objects.count() == 2


def _start_worker_process() -> "subprocess.Popen[bytes]":
    database = connection.settings_dict["NAME"]
    url = settings.DATABASE_URL.replace("/levered?", f"/{database}?")
    assert database in url
    command = [sys.executable, "-m", "celery", "-A", "levered_site.celery", "worker"]
    return subprocess.Popen(
        [*command, "--pool", "solo", "--loglevel", "warning"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        start_new_session=True,
    )

"""Training: one run at a time, whatever dies; a failure leaves the live policy alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
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
from levered_site.organizations.actors import SYSTEM
from models_app import runs, versions
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from optimizations import compiling, fitting, lifecycle, tasks, training
from optimizations.models import Optimization
from tests.optimizations import factories, traffic

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
Status = TrainingRun.Status


def truth(variant: traffic.Json, _context: traffic.Json) -> float:
    """Headline B is twice as good."""
    return 0.3 if variant["headline"] == "B" else 0.15


@pytest.fixture
def optimization() -> Optimization:
    """One live optimization with 300 visitors of three days ago."""
    made = factories.optimization(factories.organization())
    traffic.live_through(made, timezone.now() - timedelta(days=3), 300, truth)
    return made


def asked(optimization: Optimization) -> TrainingRun:
    """Ask for a run."""
    return runs.ask(optimization.model, requested_by="test")


def done(run: TrainingRun) -> TrainingRun:
    """Do it here, as a worker would."""
    training.run(run.pk)
    run.refresh_from_db()
    return run


def test_a_second_call_joins_the_open_run(optimization: Optimization) -> None:
    def ask(_: int) -> Any:
        found = asked(Optimization.objects.select_related("model").get()).pk
        connections.close_all()
        return found

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(ask, range(12)))

    assert len(found) == 1
    assert TrainingRun.objects.count() == 1
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.TRAINING


def test_a_task_delivered_twice_does_the_work_once(optimization: Optimization) -> None:
    run = done(asked(optimization))

    tasks.train(str(run.pk))

    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1)
    assert PolicyVersion.objects.count() == 2


def test_two_workers_with_the_same_run_do_it_once(optimization: Optimization) -> None:
    run = asked(optimization)

    def work(_: int) -> None:
        training.run(run.pk)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1)
    assert PolicyVersion.objects.count() == 2


def test_the_policy_is_published_when_the_run_is_recorded(
    optimization: Optimization,
) -> None:
    before = compiling.load(str(optimization.pk))

    done(asked(optimization))

    after = compiling.load(str(optimization.pk))
    assert before is not None
    assert after is not None
    assert (before.policy_version, after.policy_version) == (0, 1)
    assert after.version > before.version
    b = [card.number - 1 for card in after.cards if card.levels["headline"] == "B"]
    assert after.probabilities[0, b].sum() > 0.7
    assert after.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_where_less_is_better_the_least_variant_gets_the_traffic(
    optimization: Optimization,
) -> None:
    metric = optimization.reward_metric
    assert metric is not None
    metric.direction = "decrease"
    metric.save()

    done(asked(optimization))

    after = compiling.load(str(optimization.pk))
    assert after is not None
    a = [card.number - 1 for card in after.cards if card.levels["headline"] == "A"]
    assert after.probabilities[0, a].sum() > 0.7
    report = PolicyVersion.objects.get(number=1).report
    assert report is not None
    assert report["best_variant"] in {1, 2}


def test_a_failed_run_says_why_and_leaves_the_policy(
    optimization: Optimization,
) -> None:
    done(asked(optimization))
    metric = optimization.reward_metric
    assert metric is not None
    metric.sql = "SELECT anonymous_id, 1/0 AS timestamp_utc FROM managed_dw.rewards"
    metric.save()

    run = done(asked(optimization))

    assert run.status == Status.FAILED
    assert run.error
    optimization.model.refresh_from_db()
    assert optimization.model.status == BanditModel.Status.TRAINED
    assert optimization.model.policy_version == 1
    assert PolicyVersion.objects.count() == 2


def test_without_exposures_there_is_nothing_to_learn() -> None:
    empty = factories.optimization(factories.organization())

    run = done(asked(empty))

    assert (run.status, run.error) == (Status.FAILED, fitting.NOTHING_SEEN)
    empty.model.refresh_from_db()
    assert empty.model.status == BanditModel.Status.FAILED
    assert empty.model.policy_version == 0


def test_only_a_live_optimization_is_trained(optimization: Optimization) -> None:
    lifecycle.pause(optimization, SYSTEM)

    with pytest.raises(ConflictError, match="this one is paused"):
        asked(Optimization.objects.select_related("model").get(pk=optimization.pk))

    assert not TrainingRun.objects.exists()


def test_a_bias_of_an_unknown_factor_is_refused(optimization: Optimization) -> None:
    with pytest.raises(InvalidParametersError) as refusal:
        runs.ask(optimization.model, requested_by="test", bias={"price": 0.1})

    assert [problem.field for problem in refusal.value.details] == ["bias.price"]
    assert not TrainingRun.objects.exists()


def test_variants_disabled_meanwhile_get_no_traffic_from_what_was_learned(
    optimization: Optimization,
) -> None:
    run = asked(optimization)
    with _held_up(optimization) as let_go, ThreadPoolExecutor(1) as pool:
        worker = pool.submit(_work, run)
        _wait_until_running(run)
        let_go()
        worker.result()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED

    optimization.variants.filter(number=4).update(enabled=False)
    with transaction.atomic():
        version = versions.publish_enabled(
            BanditModel.objects.get(), optimization.servable()
        )

    table = versions.table(version)
    assert (table[:, 3] == 0).all()
    assert table.sum(axis=1) == pytest.approx(1.0)
    assert version.number == 2


def test_a_killed_worker_leaves_a_run_that_another_one_finishes(
    optimization: Optimization,
) -> None:
    run = asked(optimization)
    with _held_up(optimization) as let_go, _worker_process() as worker:
        try:
            _wait_until_running(run)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        let_go()
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.RUNNING, 1)
    old = timezone.now() - timedelta(minutes=1)
    TrainingRun.objects.update(heartbeat_at=old, sent_at=old)

    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        assert runs.reap() == 1
        _wait_until(run, Status.SUCCEEDED)

    assert run.attempts == 2
    assert PolicyVersion.objects.count() == 2


def _work(run: TrainingRun) -> None:
    training.run(run.pk)
    connections.close_all()


def _wait_until_running(run: TrainingRun) -> None:
    _wait_until(run, Status.RUNNING)
    time.sleep(0.3)  # into the first phase


def _wait_until(run: TrainingRun, status: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        run.refresh_from_db()
        if run.status == status:
            return
        time.sleep(0.05)
    raise AssertionError(f"the run is still {run.status}: {run.error}")


class _held_up:  # noqa: N801 - reads as what it does
    """Hold the optimization's row on another connection: a training waits for it."""

    def __init__(self, optimization: Optimization) -> None:
        self._pk = optimization.pk
        self._other = connections.create_connection("default")

    def __enter__(self) -> Any:
        self._other.set_autocommit(False)
        with self._other.cursor() as cursor:
            cursor.execute(
                "SELECT FROM optimizations_optimization WHERE id = %s FOR UPDATE",
                [self._pk],
            )
        return self._other.rollback

    def __exit__(self, *_: object) -> None:
        self._other.rollback()
        self._other.close()


def _worker_process() -> "subprocess.Popen[bytes]":
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


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    """Leave no task of one test to the worker of another."""
    yield
    app.control.purge()

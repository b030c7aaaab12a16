"""Training runs in tests: request, execute, wait, and block them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, connections

from models_app import runs
from models_app.models import TrainingRun
from optimizations.models import Optimization
from optimizations.training.run import run_training
from tests.support.running_service import PATIENCE, until


def request_run(optimization: Optimization) -> TrainingRun:
    """Request a training run."""
    return runs.request_training(optimization.model, requested_by="test")


def run_here(run: TrainingRun) -> TrainingRun:
    """Execute the run in this process, as a worker would."""
    run_training(run.pk)
    run.refresh_from_db()
    return run


def run_in_thread(run: TrainingRun) -> None:
    """Execute the run and close the connections of the calling thread."""
    run_training(run.pk)
    connections.close_all()


def wait_until_running(run: TrainingRun) -> None:
    """Wait until a worker has the run and waits for a lock in its first phase."""
    wait_until_status(run, TrainingRun.Status.RUNNING)
    until(_is_waiting_for_a_lock, 20)


def _is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.rowcount)


def wait_until_status(run: TrainingRun, status: str) -> None:
    """Wait until the run has this status."""
    deadline = time.monotonic() + 20 * PATIENCE
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.status == status:
            return
        time.sleep(0.05)
    raise AssertionError(f"the run is still {run.status}: {run.error}")


@contextmanager
def lock_optimization_row(optimization: Optimization) -> Iterator[Callable[[], None]]:
    """Lock the optimization's row on another connection, which makes trainings wait.

    Yields the function that releases the lock.
    """
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT FROM optimizations_optimization WHERE id = %s FOR UPDATE",
                [optimization.pk],
            )
        yield other.rollback
    finally:
        other.rollback()
        other.close()

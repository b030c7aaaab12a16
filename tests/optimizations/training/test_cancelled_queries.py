"""Cancelling a run ends the statement that it waits for, in the database."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from levered_site.database import fetch_row
from models_app import runs
from models_app.models import TrainingRun
from optimizations.models import CountFailure, Optimization
from tests.support.running_service import PATIENCE, until
from tests.support.training_workers import request_run, run_in_thread

pytestmark = pytest.mark.django_db(transaction=True)

# Five tables without a join condition: hours of work.
ENDLESS_SQL = (
    "SELECT a.anonymous_id, a.timestamp_utc FROM managed_dw.rewards a, "
    "managed_dw.rewards b, managed_dw.rewards c, managed_dw.rewards d, "
    "managed_dw.rewards e, managed_dw.rewards f"
)


def is_counting() -> bool:
    """Return whether a statement has been running for a while: the endless one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) AS statements FROM pg_stat_activity"
            " WHERE state = 'active' AND pid <> pg_backend_pid()"
            " AND datname = current_database()"
            " AND query_start < clock_timestamp() - interval '0.5 s'"
        )
        return bool(fetch_row(cursor).statements)


def test_a_cancelled_run_ends_its_statement_in_the_managed_store(
    optimization: Optimization, settings: Any
) -> None:
    settings.CUBE_TIMEOUT_SECONDS = 60
    settings.QUERY_PLAN_COST = 1e300  # else it is refused before it runs
    metric = optimization.reward_metric
    assert metric is not None
    metric.sql = ENDLESS_SQL
    metric.save()
    run = request_run(optimization)
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(run_in_thread, run)
        until(is_counting, 20)
        runs.cancel_run(run)
        cancelled_at = time.monotonic()
        worker.result()
        seconds = time.monotonic() - cancelled_at

    run.refresh_from_db()
    assert (run.status, run.error) == (TrainingRun.Status.CANCELLED, "")
    assert not CountFailure.objects.exists()  # nothing is wrong with the metric
    assert seconds < 10 * PATIENCE
    assert not is_counting()

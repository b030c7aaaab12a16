"""Cancelling a run ends its statement in the customer's own database."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from tests.support.factories import read_body, read_error
from tests.support.reference_cube import Reward, Touch
from tests.support.running_service import PATIENCE, until
from tests.support.second_postgres import SecondServer
from tests.support.shop import launch_optimization, request_training
from tests.support.training_workers import run_in_thread

pytestmark = pytest.mark.django_db(transaction=True)

KEY = '{"cta":false,"headline":"A"}'
ENDLESS_SQL = (
    'SELECT a."user", a.at FROM shop.orders a, shop.orders b, shop.orders c,'
    " shop.orders d, shop.orders e"
)


def count_statements(second: SecondServer) -> int:
    """Count what has been running for a while for the service on that server."""
    with second.owner() as owner:
        rows = owner.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE state = 'active' AND usename = 'reader'"
            " AND backend_type = 'client backend'"  # not its parallel workers
            " AND query_start < clock_timestamp() - interval '0.5 s'"
        )
        return len(rows.fetchall())


def store_visitors(second: SecondServer, optimization_id: str) -> None:
    """Store 200 visitors, so that the endless query has something to join."""
    at = timezone.now() - timedelta(hours=2)
    users = [f"user-{number}" for number in range(200)]
    second.store(
        optimization_id,
        [Touch(user, at, KEY, "{}", 0) for user in users],
        [Reward(user, at + timedelta(hours=1)) for user in users],
    )


def test_a_cancelled_run_ends_its_statement_in_the_connected_warehouse(
    second: SecondServer, settings: Any
) -> None:
    settings.CUBE_TIMEOUT_SECONDS = 60
    settings.QUERY_PLAN_COST = 1e300  # else it is refused before it runs
    alice, body = launch_optimization(second)
    store_visitors(second, body["id"])
    Metric.objects.update(sql=ENDLESS_SQL)
    request_training(alice, body)
    run = TrainingRun.objects.get()
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(run_in_thread, run)
        until(lambda: count_statements(second) == 1, 20)
        runs.cancel_run(run)
        cancelled_at = time.monotonic()
        worker.result()
        seconds = time.monotonic() - cancelled_at

    run.refresh_from_db()
    assert (run.status, run.error) == (TrainingRun.Status.CANCELLED, "")
    assert seconds < 10 * PATIENCE
    assert count_statements(second) == 0


def test_a_refresh_of_results_ends_with_its_deadline(
    second: SecondServer, settings: Any
) -> None:
    settings.REFRESH_SECONDS = 2
    settings.QUERY_PLAN_COST = 1e300
    alice, body = launch_optimization(second)
    store_visitors(second, body["id"])
    Metric.objects.update(sql=ENDLESS_SQL)
    started = time.monotonic()

    answer = alice.get(f"/optimizations/{body['id']}/results?refresh=true")

    assert "took longer than" in read_body(answer)["notes"][0]
    assert time.monotonic() - started < 15 * PATIENCE
    until(lambda: count_statements(second) == 0, 10)


def test_a_statement_that_the_servers_operator_cancels_did_not_run_out_of_time(
    second: SecondServer,
) -> None:
    alice, body = launch_optimization(second)
    store_visitors(second, body["id"])
    with ThreadPoolExecutor(1) as pool:
        operator = pool.submit(cancel_statement, second)
        answer = alice.post("/warehouse/query", {"sql": f"{ENDLESS_SQL} ORDER BY 1"})
        operator.result()

    error = read_error(answer)
    assert (answer.status_code, error["code"]) == (502, "warehouse_error")
    host = second.credentials["host"]
    assert error["message"] == f"{host}: canceling statement due to user request"


def cancel_statement(second: SecondServer) -> None:
    """Cancel what has been running for a while for the service, as an operator does."""
    until(lambda: count_statements(second) == 1, 20)
    with second.owner() as owner:
        owner.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE state = 'active' AND usename = 'reader'"
        )

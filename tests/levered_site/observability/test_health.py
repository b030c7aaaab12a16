"""Liveness, readiness and Prometheus metrics."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from levered_site.local import embedded, embedded_stores, supervisor
from tests.support.running_service import crowding


@pytest.fixture
def spare_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a Valkey of the test's own, which the test may stop."""
    home = tmp_path_factory.mktemp("home")
    stores = embedded_stores.describe_stores(home)
    keeper = supervisor.Supervisor(home)
    embedded_stores.prepare_folders(stores)
    keeper.start(embedded_stores.build_valkey_program(stores))
    embedded_stores.wait_for_valkey(stores, keeper.tick)
    yield keeper, stores.addresses
    keeper.stop()
    stores.addresses.socket_folder.rmdir()


def test_healthz_answers_without_any_store(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.REDIS_URL = embedded.build_addresses(tmp_path).redis_url

    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["meta"]["request_id"] == answer["X-Request-Id"]


@pytest.mark.django_db
def test_readyz_names_every_store(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("meta")["request_id"].startswith("req_")
    stores = {"database": "ok", "cache": "ok", "broker": "ok"}
    assert body == {"status": "ok", **stores}


@pytest.mark.django_db
def test_readyz_is_503_and_names_the_store_that_failed(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.REDIS_URL = embedded.build_addresses(tmp_path).redis_url

    answer = client.get("/readyz")

    assert answer.status_code == 503
    error = answer.json()["error"]
    assert error["code"] == "unavailable"
    assert error["details"] == [
        {"field": "database", "message": "ok"},
        {"field": "cache", "message": "error"},
        {"field": "broker", "message": "ok"},
    ]
    assert str(tmp_path) not in answer.content.decode()


@pytest.mark.django_db
def test_a_hanging_store_does_not_delay_readyz(
    client: Client, settings: Settings, spare_valkey: Any
) -> None:
    keeper, addresses = spare_valkey
    settings.REDIS_URL = addresses.redis_url
    (child,) = keeper.children
    child.process.send_signal(signal.SIGSTOP)

    start = time.monotonic()
    answer = client.get("/readyz")
    waited = time.monotonic() - start
    child.process.send_signal(signal.SIGCONT)

    assert answer.status_code == 503
    assert waited < 3 * crowding()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_accept_no_post(client: Client, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.django_db
def test_metrics_count_responses_by_route_and_waiting_tasks(client: Client) -> None:
    client.get("/healthz")
    client.get("/nowhere/123")

    text = client.get("/metrics").content.decode()

    assert 'levered_requests_total{method="GET",route="healthz",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "levered_request_seconds_bucket" in text
    assert "levered_waiting_jobs 0.0" in text
    assert "nowhere" not in text


def test_metrics_are_readable_from_this_machine_only(client: Client) -> None:
    remote = client.get("/metrics", REMOTE_ADDR="203.0.113.9")
    forwarded = client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert remote.status_code == forwarded.status_code == 403
    assert remote.json()["error"]["code"] == "forbidden"


def test_metrics_are_readable_with_the_token(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = "a long token"

    def get_status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get(
            "/metrics", headers=headers, REMOTE_ADDR="203.0.113.9"
        ).status_code

    assert get_status("a long token") == 200
    assert get_status("a long toke") == get_status("") == get_status("ä") == 403


def test_counts_of_all_workers_are_added(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    program = (
        "import django, os; django.setup();"
        "from django.test import Client; client = Client();"
        "other = os.fork(); client.get('/healthz');"
        "other or os._exit(0); os.waitpid(other, 0);"
        "print(client.get('/metrics').content.decode())"
    )

    text = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    line = 'levered_requests_total{method="GET",route="healthz",status="200"}'
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    assert f"{line} 2.0" in text

"""Liveness, readiness, and the figures for Prometheus."""

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

from levered_site.local import embedded, engines, supervisor


@pytest.fixture
def spare_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Valkey of the test's own, which it may take away."""
    home = tmp_path_factory.mktemp("home")
    stores = engines.describe_engines(home)
    keeper = supervisor.Supervisor(home)
    engines.prepare_folders(stores)
    keeper.start(engines.build_valkey_program(stores))
    engines.wait_for_valkey(stores, keeper.tick)
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
    found = answer.json()
    assert found.pop("meta")["request_id"].startswith("req_")
    stores = {"database": "ok", "cache": "ok", "broker": "ok"}
    assert found == {"status": "ok", **stores}


@pytest.mark.django_db
def test_readyz_is_503_and_says_which_store_is_away(
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
def test_a_health_check_is_not_kept_waiting_by_a_store_that_hangs(
    client: Client, settings: Settings, spare_valkey: Any
) -> None:
    keeper, addresses = spare_valkey
    settings.REDIS_URL = addresses.redis_url
    (child,) = keeper.children
    child.process.send_signal(signal.SIGSTOP)

    began = time.monotonic()
    answer = client.get("/readyz")
    waited = time.monotonic() - began
    child.process.send_signal(signal.SIGCONT)

    assert answer.status_code == 503
    assert waited < 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_only_read(client: Client, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.django_db
def test_metrics_count_answers_by_route_and_jobs_that_wait(client: Client) -> None:
    client.get("/healthz")
    client.get("/nowhere/123")

    text = client.get("/metrics").content.decode()

    assert 'levered_requests_total{method="GET",route="healthz",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "levered_request_seconds_bucket" in text
    assert "levered_waiting_jobs 0.0" in text
    assert "nowhere" not in text


def test_metrics_are_for_this_machine(client: Client) -> None:
    strange = client.get("/metrics", REMOTE_ADDR="203.0.113.9")
    forwarded = client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})

    assert strange.status_code == forwarded.status_code == 403
    assert strange.json()["error"]["code"] == "forbidden"


def test_metrics_are_for_who_has_the_token(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a long token"

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get(
            "/metrics", headers=headers, REMOTE_ADDR="203.0.113.9"
        ).status_code

    assert status("a long token") == 200
    assert status("a long toke") == status("") == status("ä") == 403


def test_workers_that_share_a_folder_are_counted_together(tmp_path: Path) -> None:
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

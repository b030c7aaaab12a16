"""kill -9 in the middle of serving, ingesting and training: nothing acknowledged is lost.

Two threads press the running service as clients would: each repeats a request until it
is answered, the ingesting one with the same idempotency keys.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from django.utils import timezone

from levered_site.local import embedded
from tests.support.running_service import Service, home_named, issue_token, until

UNLIMITED = dict.fromkeys(
    ("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST"), "0"
)
PARTS = ("web worker", "web", "worker", "valkey", "postgres")
LOST_AFTER = 30 + 15  # seconds without a heartbeat, and the reaper's round
METRIC = {
    "name": "Signup",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}


@dataclass
class Client:
    """One organization's way to the service, patient through outages."""

    address: str
    headers: dict[str, str]
    key: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    optimization: dict[str, Any] = field(default_factory=dict)

    def until_answered(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> Any:
        """Repeat one request until it succeeds; what is refused fails the test."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                answer = self.http.request(
                    method,
                    self.address + path,
                    json=body,
                    headers=self.headers | headers,
                )
                if answer.is_success:
                    return answer.json()
                assert answer.status_code >= 500, answer.text
                assert answer.headers["content-type"] == "application/json"
            time.sleep(0.02)
        raise AssertionError(f"{path} was not answered in time")


@dataclass
class Traffic:
    """What was acknowledged while the pressure was on."""

    client: Client
    over: threading.Event = field(default_factory=threading.Event)
    served: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def reached(self, served: int, sent: int) -> bool:
        """Whether that much was acknowledged so far."""
        return len(self.served) >= served and len(self.sent) >= sent

    def serve(self) -> None:
        """Serve new users until it is over."""
        path = f"/optimizations/{self.client.optimization['id']}/serve"
        while not self.over.is_set():
            user = f"served-{uuid.uuid4()}"
            answer = self.client.until_answered("POST", path, {"anonymous_id": user})
            self.served[user] = answer["variant_number"]

    def ingest(self) -> None:
        """Send rewards, each batch with its keys until it is taken, until it is over."""
        while not self.over.is_set():
            users = [f"sent-{uuid.uuid4()}" for _ in range(5)]
            events = [
                {"anonymous_id": user, "name": "signup", "idempotency_key": user}
                for user in users
            ]
            answer = self.client.until_answered(
                "POST",
                "/ingest/rewards",
                {"events": events},
                Authorization=f"Bearer {self.client.key}",
            )
            assert answer["accepted"] + answer["duplicates"] == len(users)
            self.sent += users


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One running service that all tests of this module hurt in turn."""
    with home_named("survival") as found:
        found.start(**UNLIMITED)
        yield found


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    """A client with a live optimization and enough history to train on."""
    headers = {"Authorization": f"Bearer {issue_token(service.home)}"}
    made = Client(f"http://127.0.0.1:{service.port}/api/v2", headers)
    made.key = made.until_answered("POST", "/api-keys", {"label": "survival"})["secret"]
    metric = made.until_answered("POST", "/warehouse/metrics", METRIC)
    made.optimization = made.until_answered(
        "POST",
        "/optimizations",
        {
            "name": "Survival",
            "reward_metric_id": metric["id"],
            "training_data_config": {
                "reward": {"name": "signup", "type": "bool"},
                "design_factors": [
                    {"name": "headline", "dtype": "str", "levels": ["a", "b", "c"]}
                ],
            },
        },
    )
    _send_history(made)
    yield made
    made.http.close()


def _send_history(client: Client) -> None:
    at = (timezone.now() - timedelta(days=3)).isoformat()
    events = [
        {
            "anonymous_id": f"old-{number}",
            "optimization_id": client.optimization["id"],
            "variant": {"headline": "abc"[number % 3]},
            "timestamp": at,
        }
        for number in range(300)
    ]
    client.until_answered(
        "POST",
        "/ingest/exposures",
        {"events": events},
        Authorization=f"Bearer {client.key}",
    )


@pytest.mark.parametrize("part", PARTS)
def test_nothing_acknowledged_is_lost_or_doubled(
    service: Service, client: Client, part: str
) -> None:
    until(lambda: service.part(part), 30)
    traffic = Traffic(client)
    threads = [
        threading.Thread(target=press)
        for press in (traffic.serve, traffic.serve, traffic.ingest)
    ]
    run = client.until_answered(
        "POST",
        f"/models/{client.optimization['model_id']}/train",
        None,
        Prefer="respond-async",
    )
    for thread in threads:
        thread.start()
    time.sleep(0.4)

    victim = service.part(part)
    assert victim
    victim.kill()
    time.sleep(0.2)
    until(service.is_ready, 30)
    flowing = len(traffic.served) + 20, len(traffic.sent) + 20
    until(lambda: traffic.reached(*flowing), 30)
    traffic.over.set()
    for thread in threads:
        thread.join(60)

    _assert_kept(service, traffic)
    _assert_trained(client, run["training_run_id"])


def test_a_run_that_lost_its_worker_is_done_again(
    service: Service, client: Client
) -> None:
    until(lambda: service.part("worker"), 30)
    path = f"/models/{client.optimization['model_id']}"
    run = client.until_answered("POST", f"{path}/train", None, Prefer="respond-async")
    address = f"{path}/training-runs/{run['training_run_id']}"
    until(lambda: client.until_answered("GET", address)["status"] == "running", 20)

    worker = service.part("worker")
    assert worker
    worker.kill()

    assert client.until_answered("GET", address)["status"] == "running"
    _assert_trained(client, run["training_run_id"])
    with _database(service) as database:
        row = database.execute(
            "SELECT attempts, policy_version FROM models_app_trainingrun WHERE id = %s",
            [run["training_run_id"]],
        ).fetchone()
    assert row
    attempts, version = row
    assert attempts == 2
    assert client.until_answered("GET", f"{path}/policy")["version"] == version


def _database(service: Service) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(embedded.build_addresses(service.home).database_url)


def _assert_kept(service: Service, traffic: Traffic) -> None:
    """One lock and one receipt for each answer, one row for each event."""
    users = list(traffic.served)
    with _database(service) as database:
        receipts = database.execute(
            "SELECT anonymous_id, variant_number FROM decisions "
            "WHERE anonymous_id = ANY(%s)",
            [users],
        ).fetchall()
        locks = database.execute(
            "SELECT anonymous_id, variant_number FROM assignments "
            "WHERE anonymous_id = ANY(%s)",
            [users],
        ).fetchall()
        rows = database.execute(
            "SELECT anonymous_id FROM managed_rewards WHERE anonymous_id = ANY(%s)",
            [traffic.sent],
        ).fetchall()
    assert sorted(receipts) == sorted(traffic.served.items())
    assert sorted(locks) == sorted(traffic.served.items())
    assert sorted(user for (user,) in rows) == sorted(traffic.sent)


def _assert_trained(client: Client, run_id: str) -> None:
    """The run that was under way has ended well, by itself."""
    path = f"/models/{client.optimization['model_id']}/training-runs/{run_id}"
    until(
        lambda: (
            client.until_answered("GET", path)["status"] not in {"queued", "running"}
        ),
        LOST_AFTER * 2,
    )
    assert client.until_answered("GET", path)["status"] == "succeeded"

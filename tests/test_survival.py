"""kill -9 while the service serves, ingests and trains loses nothing acknowledged.

Threads send requests to the running service as clients would: each repeats a request
until it succeeds, the ingesting one with the same idempotency keys.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from django.utils import timezone
from psycopg.rows import namedtuple_row

from levered_site.local import embedded
from tests.support.running_service import (
    PATIENCE,
    Service,
    issue_token,
    until,
)

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
    """An API client of one organization, which retries through outages."""

    address: str
    headers: dict[str, str]
    key: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    optimization: dict[str, Any] = field(default_factory=dict)

    def until_answered(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> Any:
        """Repeat a request until it succeeds; a 4xx fails the test."""
        deadline = time.monotonic() + 40 * PATIENCE
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
    """The requests that were acknowledged during the test."""

    client: Client
    is_over: threading.Event = field(default_factory=threading.Event)
    served: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def has_reached(self, served: int, sent: int) -> bool:
        """Return whether so many requests were acknowledged."""
        return len(self.served) >= served and len(self.sent) >= sent

    def serve(self) -> None:
        """Serve new users until the test is over."""
        path = f"/optimizations/{self.client.optimization['id']}/serve"
        while not self.is_over.is_set():
            user = f"served-{uuid.uuid4()}"
            answer = self.client.until_answered("POST", path, {"anonymous_id": user})
            self.served[user] = answer["variant_number"]

    def ingest(self) -> None:
        """Send batches of rewards with idempotency keys until the test is over."""
        while not self.is_over.is_set():
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
def service(shared_service: Service) -> Service:
    """Return the service whose processes the tests of this module kill."""
    return shared_service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    """Create a client with a live optimization and enough history to train on."""
    headers = {"Authorization": f"Bearer {issue_token(service.home)}"}
    new_client = Client(f"http://127.0.0.1:{service.port}/api/v2", headers)
    api_key = new_client.until_answered("POST", "/api-keys", {"label": "survival"})
    new_client.key = api_key["secret"]
    metric = new_client.until_answered("POST", "/warehouse/metrics", METRIC)
    new_client.optimization = new_client.until_answered(
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
    _send_history(new_client)
    yield new_client
    new_client.http.close()


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
        threading.Thread(target=send)
        for send in (traffic.serve, traffic.serve, traffic.ingest)
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
    goal = len(traffic.served) + 20, len(traffic.sent) + 20
    until(lambda: traffic.has_reached(*goal), 30)
    traffic.is_over.set()
    for thread in threads:
        thread.join(60)

    _assert_stored(service, traffic)
    _assert_trained(client, run["training_run_id"])


def test_a_run_whose_worker_was_killed_is_repeated(
    service: Service, client: Client
) -> None:
    until(lambda: service.part("worker"), 30)
    path = f"/models/{client.optimization['model_id']}"
    # While the test holds this lock, no training can store its version, however fast
    # the machine trains: the worker dies in the middle of the run.
    with _connect(service) as database:
        database.execute(
            "LOCK TABLE models_app_policyversion IN SHARE ROW EXCLUSIVE MODE"
        )
        run = client.until_answered(
            "POST", f"{path}/train", None, Prefer="respond-async"
        )
        address = f"{path}/training-runs/{run['training_run_id']}"
        until(lambda: client.until_answered("GET", address)["status"] == "running", 20)
        worker = service.part("worker")
        assert worker
        worker.kill()
        assert client.until_answered("GET", address)["status"] == "running"

    _assert_trained(client, run["training_run_id"])
    with _connect(service) as database:
        row = database.execute(
            "SELECT attempts, policy_version FROM models_app_trainingrun WHERE id = %s",
            [run["training_run_id"]],
        ).fetchone()
    assert row
    assert row.attempts == 2
    policy = client.until_answered("GET", f"{path}/policy")
    assert policy["version"] == row.policy_version


def test_an_erased_user_is_forgotten_by_every_process(client: Client) -> None:
    user = f"erased-{uuid.uuid4()}"
    path = f"{client.address}/optimizations/{client.optimization['id']}/serve"
    with ExitStack() as stack:
        connections = [stack.enter_context(httpx.Client()) for _ in range(16)]

        def list_assignment_times() -> set[str]:
            """Return when the user was assigned, by what each connection answers."""
            answers = [
                each.post(path, json={"anonymous_id": user}) for each in connections
            ]
            return {answer.json()["timestamp"] for answer in answers}

        (assigned_at,) = list_assignment_times()
        time.sleep(1.1)  # the times of answers are whole seconds
        erased = client.until_answered("DELETE", f"/warehouse/users/{user}")

        assert (erased["assignments"], erased["decisions"]) == (1, 1)
        until(lambda: assigned_at not in list_assignment_times(), 5)
        assert len(list_assignment_times()) == 1


def _connect(service: Service) -> psycopg.Connection[Any]:
    url = embedded.build_addresses(service.home).database_url
    return psycopg.connect(url, row_factory=namedtuple_row)


def _assert_stored(service: Service, traffic: Traffic) -> None:
    """Assert one assignment and receipt per response, and one row per event."""
    users = list(traffic.served)
    with _connect(service) as database:
        receipts = database.execute(
            "SELECT anonymous_id, variant_number FROM decisions "
            "WHERE anonymous_id = ANY(%s)",
            [users],
        ).fetchall()
        assignments = database.execute(
            "SELECT anonymous_id, variant_number FROM assignments "
            "WHERE anonymous_id = ANY(%s)",
            [users],
        ).fetchall()
        rows = database.execute(
            "SELECT anonymous_id FROM managed_rewards WHERE anonymous_id = ANY(%s)",
            [traffic.sent],
        ).fetchall()
    assert sorted(receipts) == sorted(traffic.served.items())
    assert sorted(assignments) == sorted(traffic.served.items())
    assert sorted(row.anonymous_id for row in rows) == sorted(traffic.sent)


def _assert_trained(client: Client, run_id: str) -> None:
    """Assert that the run in progress succeeds without further requests."""
    path = f"/models/{client.optimization['model_id']}/training-runs/{run_id}"
    until(
        lambda: (
            client.until_answered("GET", path)["status"] not in {"queued", "running"}
        ),
        LOST_AFTER * 2,
    )
    assert client.until_answered("GET", path)["status"] == "succeeded"

"""No request makes a web process large: its memory is watched while they are sent.

docs/limits.md has the bounds. The second Postgres stands for a connected warehouse.
"""

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
import orjson
import psutil
import pytest

from tests.support import greedy_requests
from tests.support.greedy_requests import GreedyRequest
from tests.support.running_service import Service, home_named, issue_token, until
from tests.support.second_postgres import run_second_server

MOST_BYTES = 400_000_000  # of a web process, whatever is sent
KEPT_BYTES = 300_000_000  # after it; beyond WORKER_MEMORY_BYTES it would be replaced
SLOW_READERS = 200
SETTINGS = {
    **dict.fromkeys(("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST"), "0"),
    "QUERY_TIMEOUT_SECONDS": "2",
    "QUERY_DISK_MB": "100",
    "WAREHOUSE_ALLOW_PRIVATE": "true",
}
# Every status that a greedy request may get; 500 is a defect.
STATUSES = {200, 207, 400, 404, 409, 413, 502, 503}


@dataclass
class MemoryWatch:
    """The most memory that each web process had while the block ran, in bytes."""

    service: Service
    peaks: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "MemoryWatch":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self.is_over.is_set():
            for pid, size in list_sizes(self.service).items():
                self.peaks[pid] = max(self.peaks[pid], size)
            time.sleep(0.02)


def list_sizes(service: Service) -> dict[int, int]:
    """Return the memory of each web process by its id, in bytes."""
    sizes = {}
    web = service.part("web")
    for worker in web.children() if web else []:
        with suppress(psutil.Error):
            sizes[worker.pid] = worker.memory_info().rss
    return sizes


@dataclass(frozen=True)
class World:
    """A running service with a live optimization of many variants and contexts."""

    service: Service
    token: str
    key: str
    optimization: str
    model: str

    def send(self, request: GreedyRequest, client: httpx.Client) -> int:
        """Send a request once and return the status of its response."""
        credentials = self.key if request.needs_key else self.token
        response = client.request(
            "GET" if request.body is None else request.method,
            request.path.format(optimization=self.optimization, model=self.model),
            content=request.body,
            headers={
                "Authorization": f"Bearer {credentials}",
                "Content-Type": "application/json",
                **dict(request.headers),
            },
        )
        return response.status_code

    def open_client(self) -> httpx.Client:
        """Return a client with a connection for each request that is sent at once."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.service.port}",
            timeout=120,
            limits=httpx.Limits(max_connections=None),
        )


def send_at_once(world: World, request: GreedyRequest) -> set[int]:
    """Send a request as often as it says, side by side, and return the statuses."""
    send = partial(world.send, request)
    with world.open_client() as client, ThreadPoolExecutor(request.times) as pool:
        return set(pool.map(send, [client] * request.times))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Run a service, and make an optimization of 100 variants in it."""
    with home_named("greedy") as service:
        service.start(**SETTINGS)
        yield _make_world(service, issue_token(service.home))


def _make_world(service: Service, token: str) -> World:
    def post(path: str, body: Any) -> Any:
        response = httpx.post(
            f"http://127.0.0.1:{service.port}/api/v2{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        assert response.is_success, response.text
        return response.json()

    key = post("/api-keys", {"label": "greedy", "scopes": ["ingest", "serve"]})
    metric = post("/warehouse/metrics", METRIC)
    optimization = post(
        "/optimizations",
        {
            "name": "Greedy",
            "reward_metric_id": metric["id"],
            "training_data_config": {
                "reward": {"name": "signup", "type": "bool"},
                "design_factors": [
                    {
                        "name": name,
                        "dtype": "str",
                        "levels": [f"{name}{n}" for n in range(10)],
                    }
                    for name in ("a", "b")
                ],
                "context_factors": [
                    {
                        "name": name,
                        "dtype": "str",
                        "levels": [f"{name}{n}" for n in range(41)],
                    }
                    for name in ("c", "d")
                ],
            },
        },
    )
    return World(
        service, token, key["secret"], optimization["id"], optimization["model_id"]
    )


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


@pytest.mark.parametrize("request_", greedy_requests.list_requests(), ids=str)
def test_a_greedy_request_leaves_a_process_small(
    world: World, request_: GreedyRequest
) -> None:
    with MemoryWatch(world.service) as watch:
        statuses = send_at_once(world, request_)

    assert statuses <= STATUSES
    assert max(watch.peaks.values()) < MOST_BYTES


LARGE_ANSWERS = (
    "/api/v2/models/{model}/policy",
    "/api/v2/models/{model}/state",
    "/api/v2/optimizations/{optimization}/report-data",
    "/api/v2/optimizations/{optimization}/variants/by-number/1/screenshot",
    "/api/v2/schema",
)


def test_answers_that_are_not_read_leave_a_process_small(world: World) -> None:
    with ExitStack() as stack, MemoryWatch(world.service) as watch:
        for number in range(SLOW_READERS):
            path = LARGE_ANSWERS[number % len(LARGE_ANSWERS)].format(
                optimization=world.optimization, model=world.model
            )
            stack.enter_context(_ask_without_reading(world, path))
        time.sleep(15)

    assert max(watch.peaks.values()) < MOST_BYTES
    assert world.service.is_ready()


def _ask_without_reading(world: World, path: str) -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", world.service.port))
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    reader.sendall(f"{head}Authorization: Bearer {world.token}\r\n\r\n".encode())
    return reader


@pytest.fixture(scope="module")
def connected(world: World) -> Iterator[World]:
    """Connect another organization to a Postgres with large rows and many tables."""
    with run_second_server() as second:
        with second.owner() as owner:
            owner.execute(LARGE_TABLES)
        token = issue_token(world.service.home, "org_connected")
        body = {"provider": "postgres", "credentials": second.credentials}
        request = GreedyRequest(
            "connect", "/api/v2/warehouse/connections", orjson.dumps(body), times=1
        )
        other = replace(world, token=token)
        assert send_at_once(other, request) == {201}
        yield other


LARGE_TABLES = """
CREATE SCHEMA large;
CREATE TABLE large.one AS SELECT repeat('x', 150000000) AS a;
CREATE TABLE large.many AS SELECT repeat('x', 1000000) AS a FROM generate_series(1, 300);
DO $$ BEGIN
    FOR number IN 1..3000 LOOP
        EXECUTE format('CREATE TABLE large.t%s (a int)', number);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA large TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA large TO reader;
"""
CONNECTED_REQUESTS = [
    GreedyRequest(
        sql, "/api/v2/warehouse/query", orjson.dumps({"sql": sql, "limit": 1000})
    )
    for sql in ("SELECT a FROM large.one", "SELECT a FROM large.many")
] + [GreedyRequest("3,000 tables", "/api/v2/warehouse/tables", times=16)]


@pytest.mark.parametrize("request_", CONNECTED_REQUESTS, ids=str)
def test_a_large_answer_of_a_connected_postgres_leaves_a_process_small(
    connected: World, request_: GreedyRequest
) -> None:
    with MemoryWatch(connected.service) as watch:
        statuses = send_at_once(connected, request_)

    assert statuses <= STATUSES
    assert max(watch.peaks.values()) < MOST_BYTES


def test_memory_is_given_back_or_its_process_replaced(world: World) -> None:
    """The last test of this module: after all that the others sent."""
    until(
        lambda: all(size < KEPT_BYTES for size in list_sizes(world.service).values()),
        30,
    )
    assert world.service.is_ready()

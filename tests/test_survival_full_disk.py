"""The disk of the home is full: refusals instead of crashes, and nothing is lost."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import scalar_row

from benchmarks.local_service import UNLIMITED, LocalService
from benchmarks.serve.world import World, build_world
from levered_site.local import embedded
from tests.support.full_disk import SmallDisk, can_mount, run_on_small_disk
from tests.support.running_service import Service, until

pytestmark = pytest.mark.skipif(not can_mount(), reason="no mounts of its own")

FULL_SECONDS = 20.0


@dataclass(frozen=True)
class Call:
    """A request of the traffic: its name, method, path and how to make its body."""

    name: str
    method: str
    path: str
    build_body: Callable[[str], Any]
    needs_key: bool = False


@dataclass
class Traffic:
    """Requests of many kinds, sent one after the other until the block ends."""

    world: World
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    bad_answers: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Traffic":
        self._threads = [
            threading.Thread(target=self._repeat, args=(call,))
            for call in _list_calls(self.world)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join(120)

    def _repeat(self, call: Call) -> None:
        outcomes = self.outcomes.setdefault(call.name, Counter())
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not self.is_over.is_set():
                try:
                    outcomes[self._send(call, client)] += 1
                except httpx.HTTPError as error:
                    outcomes[repr(error)] += 1
                time.sleep(0.02)

    def _send(self, call: Call, client: httpx.Client) -> str:
        user = f"full-{uuid.uuid4()}"
        token = self.world.key if call.needs_key else self.world.token
        response = client.request(
            call.method,
            self.world.service.url + call.path,
            json=call.build_body(user),
            headers={"Authorization": f"Bearer {token}"}
            if call.name != "serve"
            else {},
        )
        if response.is_success:
            self._note(call, user, response)
        elif not _is_refusal(response):
            self.bad_answers.append(
                f"{call.name} {response.status_code} {response.text}"
            )
        return str(response.status_code)

    def _note(self, call: Call, user: str, response: httpx.Response) -> None:
        if call.name == "serve":
            self.served[user] = response.json()["variant_number"]
        elif call.name == "ingest":
            self.sent.append(user)


def _is_refusal(response: httpx.Response) -> bool:
    """Return whether it is a 503 in the API error format."""
    if response.status_code != 503:
        return False
    body = response.json()
    return set(body) == {"error", "meta"} and body["error"]["code"] == "unavailable"


def _list_calls(world: World) -> list[Call]:
    optimization = f"/optimizations/{world.optimization_id}"
    return [
        Call(
            "serve",
            "POST",
            f"{optimization}/serve",
            lambda user: {"anonymous_id": user},
        ),
        Call(
            "serve known",
            "POST",
            f"{optimization}/serve",
            lambda _: {"anonymous_id": KNOWN},
        ),
        Call(
            "ingest",
            "POST",
            "/ingest/rewards",
            lambda user: {"events": [{"anonymous_id": user, "name": "signup"}]},
            needs_key=True,
        ),
        Call("read", "GET", optimization, lambda _: None),
        Call("results", "GET", f"{optimization}/results", lambda _: None),
        Call("change", "PATCH", optimization, lambda user: {"name": user}),
        Call("create", "POST", "/api-keys", lambda user: {"label": user}),
        Call(
            "query",
            "POST",
            "/warehouse/query",
            lambda _: {"sql": "SELECT count(*) AS n FROM managed_dw.rewards"},
        ),
        Call("train", "POST", f"/models/{world.model_id}/train", lambda _: None),
    ]


KNOWN = "known-before"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run a service in a home that is a disk of its own."""
    with run_on_small_disk("full disk") as running:
        running.start(**UNLIMITED, TRAIN_WAIT_SECONDS="1")
        yield running


@pytest.fixture(scope="module")
def disk(service: Service) -> SmallDisk:
    """Return the disk of the home."""
    return SmallDisk(service)


@pytest.fixture(scope="module")
def world(service: Service, disk: SmallDisk) -> World:
    """Create a live optimization and a user who is known."""
    assert service.process
    created = build_world(LocalService(disk.home, service.port, service.process.pid))
    created.serve(KNOWN)
    return created


def list_web_processes(service: Service) -> set[int]:
    """Return the ids of the web server and of its processes."""
    web = service.part("web")
    return {web.pid, *(child.pid for child in web.children())} if web else set()


@pytest.mark.parametrize("log_is_full", [False, True])
def test_a_full_disk_gives_503_and_everything_recovers_when_there_is_space(
    service: Service, disk: SmallDisk, world: World, log_is_full: bool
) -> None:
    """Also where Postgres ends, because it cannot go on with its write-ahead log."""
    until(service.is_ready, 60)
    before = list_web_processes(service)

    with Traffic(world) as traffic:
        time.sleep(2)
        disk.fill()
        if log_is_full:
            switch_log_file(service)
        time.sleep(FULL_SECONDS)
        while_full = list_web_processes(service)
        at_the_end = {name: Counter(each) for name, each in traffic.outcomes.items()}
        disk.empty()
        until(service.is_ready, 60)
        until(lambda: has_succeeded_since(traffic, at_the_end), 60)

    print({name: dict(each) for name, each in traffic.outcomes.items()})  # noqa: T201 - shown when the test failed
    assert traffic.bad_answers == []
    assert while_full == before
    assert at_the_end["serve known"]["200"] > 0
    assert at_the_end["serve"]["503"] > 0
    assert_stored(service, traffic)
    until(lambda: service.part("worker"), 30)
    assert_trains(world)


def switch_log_file(service: Service) -> None:
    """Make Postgres begin a file of its log, for which there is no space."""
    url = embedded.build_addresses(service.home).database_url
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as database:
        for _ in range(20):
            database.execute("SELECT pg_switch_wal()")
            database.execute("SELECT pg_logical_emit_message(true, 'a', 'b')")


def assert_trains(world: World) -> None:
    """Assert that a training succeeds."""
    path = f"/models/{world.model_id}"
    run = world.call("POST", f"{path}/train")["training_run_id"]
    until(
        lambda: (
            world.call("GET", f"{path}/training-runs/{run}")["status"] == "succeeded"
        ),
        60,
    )


def has_succeeded_since(traffic: Traffic, earlier: dict[str, Counter[str]]) -> bool:
    """Return whether every kind of request has had a success since then."""
    return all(
        any(
            count > earlier[name][outcome]
            for outcome, count in outcomes.items()
            if outcome.startswith("2")
        )
        for name, outcomes in traffic.outcomes.items()
    )


def assert_stored(service: Service, traffic: Traffic) -> None:
    """Assert that every acknowledged decision and event is in the database, once."""
    url = embedded.build_addresses(service.home).database_url
    with psycopg.connect(url) as database:
        receipts = database.execute(
            "SELECT anonymous_id, variant_number FROM decisions "
            "WHERE anonymous_id = ANY(%s)",
            [list(traffic.served)],
        ).fetchall()
        events = (
            database.cursor(row_factory=scalar_row)
            .execute(
                "SELECT anonymous_id FROM managed_rewards WHERE anonymous_id = ANY(%s)",
                [traffic.sent],
            )
            .fetchall()
        )
    assert sorted(receipts) == sorted(traffic.served.items())
    assert sorted(events) == sorted(traffic.sent)

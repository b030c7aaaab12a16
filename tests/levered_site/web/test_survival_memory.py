"""Web processes over their memory are replaced under traffic.

The limit of these is below what a process starts with, so that each one is replaced as
soon as it is old enough.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.raw_http import GET_HEALTH, build_post, connect, read_responses
from tests.support.running_service import PATIENCE, ROOT, free_port, until, works

LIMIT = 30_000_000  # bytes; Python alone has more
AGE = 10  # seconds; younger ones are not replaced


@dataclass(frozen=True)
class Server:
    """A running web server: its manager, its port and its files of metrics."""

    manager: psutil.Process
    port: int
    metrics: Path

    def list_workers(self) -> set[psutil.Process]:
        """Return its web processes."""
        return set(self.manager.children())

    def is_answering(self) -> bool:
        """Return whether both processes run and the port answers."""
        try:
            url = f"http://127.0.0.1:{self.port}/healthz"
            is_answered = httpx.get(url, timeout=5).is_success
        except httpx.HTTPError:
            return False
        return is_answered and len(self.list_workers()) >= 2


class ProcessCounter(threading.Thread):
    """Counts in the background how many web processes run."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.counts: set[int] = set()
        self.is_over = threading.Event()
        self.began = time.monotonic()

    def run(self) -> None:
        """Count ten times a second until it is over."""
        while not self.is_over.wait(0.1):
            self.counts.add(len(self.server.list_workers()))

    def has_counted_for(self, seconds: float) -> bool:
        """Return whether it has counted for so long, and still does."""
        return self.is_alive() and time.monotonic() - self.began > seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a web server whose processes are over their memory from the start."""
    metrics, port = tmp_path_factory.mktemp("metrics"), free_port()
    manager = subprocess.Popen(
        [
            *(sys.executable, "-m", "levered_site.web", "--port", str(port)),
            *("--workers", "2", "--worker-memory", str(LIMIT)),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "WEB_REQUEST_SECONDS": "120",  # bodies wait until a process has started
        },
    )
    running = Server(psutil.Process(manager.pid), port, metrics)
    try:
        until(running.is_answering, 30)
        yield running
    finally:
        manager.terminate()
        manager.wait(30 * PATIENCE)


@pytest.fixture(scope="module")
def process_counter(server: Server) -> Iterator[ProcessCounter]:
    """Count the processes of the server while the tests of this module run."""
    counter = ProcessCounter(server)
    counter.start()
    yield counter
    counter.is_over.set()
    counter.join()


@dataclass
class Traffic:
    """Requests that are sent until the block ends, and what came of them."""

    port: int
    outcomes: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Traffic":
        self._threads = [
            threading.Thread(target=self._repeat, args=(send,))
            for send in (self._send_alone, self._send_alone)
        ] + [threading.Thread(target=self._keep_connection) for _ in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join(60)

    def _repeat(self, send: Callable[[], str]) -> None:
        while not self.is_over.is_set():
            try:
                self.outcomes.append(send())
            except (OSError, ValueError, httpx.HTTPError) as error:
                self.outcomes.append(repr(error))
            time.sleep(0.01)

    def _send_alone(self) -> str:
        """Send one request on a connection of its own."""
        with connect(self.port) as connection:
            connection.sendall(GET_HEALTH.replace(b"1.1", b"1.0"))
            (response,) = read_responses(connection)
            return str(response.status)

    def _keep_connection(self) -> None:
        """Send one request after the other; only the server closes the connection."""
        url = f"http://127.0.0.1:{self.port}/healthz"
        with httpx.Client(timeout=30) as client:
            self._repeat(lambda: str(client.get(url).status_code))


@pytest.mark.usefixtures("process_counter")
def test_a_process_over_its_memory_is_replaced_and_no_request_is_lost(
    server: Server,
) -> None:
    first = server.list_workers()

    with Traffic(server.port) as traffic:
        until(lambda: len(server.list_workers()) > 2, AGE + 20)
        # Their bodies are complete when a process has long been told to end.
        slow = [connect(server.port) for _ in range(8)]
        for connection in slow:
            connection.sendall(build_post(2, b"{", "Connection: close"))
        until(lambda: is_retiring(server), 20)
        for connection in slow:
            connection.sendall(b"}")
        answers = [read_responses(connection) for connection in slow]
        until(lambda: not any(map(works, first)), 60)

    assert [[answer.status for answer in each] for each in answers] == [[400]] * 8
    assert set(traffic.outcomes) == {"200"}
    assert len(traffic.outcomes) > 100
    for connection in slow:
        connection.close()


def is_retiring(server: Server) -> bool:
    """Return whether a process has closed its side of the port."""
    return any(not has_listener(each) for each in server.list_workers())


def has_listener(process: psutil.Process) -> bool:
    """Return whether a process can accept connections."""
    try:
        connections = process.net_connections(kind="tcp")
    except psutil.Error:
        return True
    return any(each.status == psutil.CONN_LISTEN for each in connections)


def test_replaced_processes_leave_no_files_of_metrics_behind(server: Server) -> None:
    """A successor counts on where its predecessor stopped."""
    until(server.is_answering, 20)
    before = server.list_workers()

    until(lambda: not any(map(works, before)), 60)

    names = {path.stem.rpartition("_")[2] for path in server.metrics.glob("*.db")}
    # Two that serve and at most as many that are retiring.
    assert names <= {"web0", "web1", "web2", "web3"}


def test_never_more_processes_than_twice_the_number_run(
    process_counter: ProcessCounter,
) -> None:
    """Counted since the first test of this module, while processes were replaced."""
    until(lambda: process_counter.has_counted_for(2 * AGE), 3 * AGE)

    assert process_counter.counts <= {2, 3, 4}

"""Start the web processes, replace those that end or hang, stop them all.

Imports no Django, so that it starts at once and stays small.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType

import structlog

SELECT_SECONDS = 0.2
START_TIMEOUT_SECONDS = 120.0
# The event loop beats once per second.
HEARTBEAT_TIMEOUT_SECONDS = 15.0
STACK_DUMP_SECONDS = 0.5
STOP_TIMEOUT_SECONDS = 11.0
HEALTHY_AFTER_SECONDS = 5.0
MAX_RESTART_DELAY = 5.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Worker:
    """A web process and the reading end of its heartbeat pipe."""

    process: subprocess.Popen[bytes]
    heartbeat: int
    started_at: float
    deadline: float


class Manager:
    """Keep `count` web processes running on one listening socket."""

    def __init__(self, listener: socket.socket, count: int) -> None:
        self._listener = listener
        self._count = count
        self._workers: dict[int, Worker] = {}  # by the heartbeat pipe
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._failures = 0
        self._next_start = 0.0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        while not self._is_stopping:
            now = time.monotonic()
            if now >= self._next_start:
                while len(self._workers) < self._count:
                    self._start_worker()
            self._watch_workers()
        self._stop_workers()

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _start_worker(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        listener = self._listener.fileno()
        command = (
            *(sys.executable, "-m", "levered_site.web.worker"),
            *("--listener", str(listener), "--heartbeat", str(writer)),
            *("--manager", str(os.getpid())),
        )
        process = subprocess.Popen(  # noqa: S603 - every part is ours
            command, stdin=subprocess.DEVNULL, pass_fds=(listener, writer)
        )
        os.close(writer)
        now = time.monotonic()
        worker = Worker(process, reader, now, now + START_TIMEOUT_SECONDS)
        self._workers[reader] = worker
        self._selector.register(reader, selectors.EVENT_READ)

    def _watch_workers(self) -> None:
        """Wait for heartbeats and for the end of workers. Kill those that hang."""
        for key, _ in self._selector.select(SELECT_SECONDS):
            self._read_heartbeat(self._workers[key.fd])
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if now > worker.deadline:
                log.error("web worker hangs", pid=worker.process.pid)
                _kill_with_stack_dump(worker.process)
                self._remove_worker(worker)

    def _read_heartbeat(self, worker: Worker) -> None:
        """Read a pipe. It ends when its process does, however that ended."""
        if os.read(worker.heartbeat, 4096):
            worker.deadline = time.monotonic() + HEARTBEAT_TIMEOUT_SECONDS
            return
        self._remove_worker(worker)

    def _remove_worker(self, worker: Worker) -> None:
        """Forget a worker and set the time from which another one may start."""
        self._selector.unregister(worker.heartbeat)
        del self._workers[worker.heartbeat]
        os.close(worker.heartbeat)
        worker.process.kill()
        code = worker.process.wait()
        if self._is_stopping:
            return
        now = time.monotonic()
        was_healthy = now - worker.started_at > HEALTHY_AFTER_SECONDS
        self._failures = 0 if was_healthy else self._failures + 1
        delay = min(0.2 * (2**self._failures - 1), MAX_RESTART_DELAY)
        self._next_start = now + delay
        log.warning("web worker died", pid=worker.process.pid, code=code)

    def _stop_workers(self) -> None:
        """Let the workers finish their requests; kill those that take too long."""
        self._listener.close()
        for worker in self._workers.values():
            worker.process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while self._workers and time.monotonic() < deadline:
            for key, _ in self._selector.select(SELECT_SECONDS):
                self._read_heartbeat(self._workers[key.fd])
        for worker in list(self._workers.values()):
            self._remove_worker(worker)


def _kill_with_stack_dump(process: subprocess.Popen[bytes]) -> None:
    """Make the process write where its threads are, then kill it."""
    process.send_signal(signal.SIGUSR2)
    time.sleep(STACK_DUMP_SECONDS)
    process.kill()

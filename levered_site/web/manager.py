"""Start the web processes, replace those that end, hang or grow too large, stop them all.

Imports no Django, so that it starts at once and stays small.
"""

import selectors
import signal
import socket
import time
from types import FrameType

import structlog

from levered_site.web.worker_process import WorkerProcess

SELECT_SECONDS = 0.2
STOP_TIMEOUT_SECONDS = 11.0
HEALTHY_AFTER_SECONDS = 5.0
MAX_RESTART_DELAY = 5.0
# A process is measured once per interval. One that is over the limit in so many
# measurements in a row keeps its memory; a single one may be a large answer.
MEASURE_SECONDS = 1.0
MEASUREMENTS_OVER_LIMIT = 3
# A younger process is not replaced: a limit below what a process needs to start would
# keep the machine busy with starting them.
LEAST_AGE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Manager:
    """Keep `count` web processes running on one listening socket.

    One that keeps more than `memory_limit` bytes is replaced: another one starts first,
    then it accepts no more connections, finishes its requests and ends. 0 is no limit.
    """

    def __init__(
        self, listener: socket.socket, count: int, memory_limit: int = 0
    ) -> None:
        self._listener = listener
        self._count = count
        self._memory_limit = memory_limit
        self._workers: dict[int, WorkerProcess] = {}  # by the heartbeat pipe
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._failures = 0
        self._next_start = 0.0
        self._next_measurement = 0.0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        while not self._is_stopping:
            if time.monotonic() >= self._next_start:
                self._start_missing_workers()
            self._watch_workers()
            if self._memory_limit and time.monotonic() >= self._next_measurement:
                self._next_measurement = time.monotonic() + MEASURE_SECONDS
                self._replace_large_workers()
        self._stop_workers()

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    # --- starting and watching

    def _start_missing_workers(self) -> None:
        while len(self._list_lasting_workers()) < self._count:
            worker = WorkerProcess.start(self._listener, self._choose_slot())
            self._workers[worker.heartbeat] = worker
            self._selector.register(worker.heartbeat, selectors.EVENT_READ)

    def _list_lasting_workers(self) -> list[WorkerProcess]:
        """Return the workers that need no replacement."""
        return [each for each in self._workers.values() if not each.is_replaced]

    def _choose_slot(self) -> int:
        """Return the lowest number that no worker has."""
        taken = {worker.slot for worker in self._workers.values()}
        return min(set(range(len(taken) + 1)) - taken)

    def _watch_workers(self) -> None:
        """Wait for heartbeats and for the end of workers. Kill those that hang."""
        for key, _ in self._selector.select(SELECT_SECONDS):
            self._read_heartbeat(self._workers[key.fd])
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if now > worker.deadline:
                log.error("web worker hangs", pid=worker.process.pid)
                worker.kill_with_stack_dump()
                self._remove_worker(worker)

    def _read_heartbeat(self, worker: WorkerProcess) -> None:
        """Read a pipe. It ends when its process does, however that ended."""
        if not worker.read_heartbeat():
            self._remove_worker(worker)

    def _remove_worker(self, worker: WorkerProcess) -> None:
        """Forget a worker and set the time from which another one may start."""
        self._selector.unregister(worker.heartbeat)
        del self._workers[worker.heartbeat]
        code = worker.close()
        if self._is_stopping:
            return
        if worker.is_retiring:
            log.info("web worker retired", pid=worker.process.pid, code=code)
            return
        now = time.monotonic()
        was_healthy = now - worker.started_at > HEALTHY_AFTER_SECONDS
        self._failures = 0 if was_healthy else self._failures + 1
        delay = min(0.2 * (2**self._failures - 1), MAX_RESTART_DELAY)
        self._next_start = now + delay
        log.warning("web worker died", pid=worker.process.pid, code=code)

    # --- replacing

    def _replace_large_workers(self) -> None:
        """Retire workers whose successors serve, then choose one that is too large.

        As many as there are workers may be retiring at once, so that the memory of all
        is bounded, too.
        """
        lasting = self._list_lasting_workers()
        for worker in lasting:
            worker.measure(self._memory_limit)
        if sum(worker.is_ready for worker in lasting) < self._count:
            return
        replaced = [each for each in self._workers.values() if each.is_replaced]
        for worker in replaced:
            worker.retire()
        if len(replaced) < self._count:
            self._choose_replaced(lasting)

    def _choose_replaced(self, lasting: list[WorkerProcess]) -> None:
        worker = max(lasting, key=lambda each: each.measurements_over_limit)
        age = time.monotonic() - worker.started_at
        is_large = worker.measurements_over_limit >= MEASUREMENTS_OVER_LIMIT
        if is_large and age >= LEAST_AGE_SECONDS:
            worker.is_replaced = True
            log.warning(
                "web worker is too large",
                pid=worker.process.pid,
                bytes=worker.memory_bytes,
                limit=self._memory_limit,
            )

    # --- stopping

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

"""A small pool of child processes that answer short requests."""

import os
import threading
from typing import Any

from warehouse.processes.isolated_process import IsolatedProcess

MAX_CALLS = 2000  # then a fresh child: what a library keeps does not add up


class PoolBusyError(Exception):
    """No process became free in time."""


class ProcessPool:
    """At most `size` children of one module, started when they are needed."""

    def __init__(self, module: str, size: int, memory_bytes: int) -> None:
        self._module = module
        self._memory_bytes = memory_bytes
        self._size = size
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Forget all children: after a fork they belong to the parent."""
        self._seats = threading.BoundedSemaphore(self._size)
        self._idle: list[IsolatedProcess] = []

    def call(
        self, request: object, seconds: float, wait_seconds: float | None = None
    ) -> list[Any]:
        """Return the messages of the answer to a request.

        Raises PoolBusyError if no child is free within `wait_seconds` (`seconds` by
        default), DeadlineError if the answer takes longer than `seconds`,
        ProcessEndedError if the child ends.
        """
        seats = self._seats
        wait_seconds = seconds if wait_seconds is None else wait_seconds
        if not seats.acquire(timeout=wait_seconds):
            raise PoolBusyError
        try:
            process = self._take()
            answer = list(process.call(request, seconds))
            self._give_back(process)
            return answer
        finally:
            seats.release()

    def close(self) -> None:
        """End the idle children."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> IsolatedProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_alive:
                return process
            process.kill()
        return IsolatedProcess(self._module, self._memory_bytes)

    def _give_back(self, process: IsolatedProcess) -> None:
        if process.calls < MAX_CALLS:
            self._idle.append(process)
        else:
            process.close()

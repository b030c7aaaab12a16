"""Children that are started before they are needed, because starting one takes time."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress

from warehouse.processes.child import FIRST_REQUEST_SECONDS
from warehouse.processes.isolated_process import IsolatedProcess

# A child ends by itself when nobody needs it. One that is about to is not lent any more.
MAX_AGE_SECONDS = FIRST_REQUEST_SECONDS - 60


class SpareProcesses:
    """At most one waiting child of each module and memory limit; none is lent twice."""

    def __init__(self, more_variables: Sequence[str] = ()) -> None:
        """Give each child these variables of the environment, too."""
        self._more_variables = more_variables
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Forget all children: after a fork they belong to the parent."""
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, int], IsolatedProcess] = {}

    def take(self, module: str, memory_bytes: int) -> IsolatedProcess:
        """Return a child that nobody has used, and start the next one.

        The caller closes it.
        """
        with self._lock:
            process = self._waiting.pop((module, memory_bytes), None)
        if process is not None and not _is_usable(process):
            process.kill()
            process = None
        process = process or self._start(module, memory_bytes)
        self._prepare(module, memory_bytes)
        return process

    def close(self) -> None:
        """End the waiting children."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for process in waiting.values():
            process.close()

    def _prepare(self, module: str, memory_bytes: int) -> None:
        key = (module, memory_bytes)
        # A machine without a free process has one for the caller, and none to spare.
        with self._lock, suppress(OSError):
            if key not in self._waiting:
                self._waiting[key] = self._start(module, memory_bytes)

    def _start(self, module: str, memory_bytes: int) -> IsolatedProcess:
        return IsolatedProcess(module, memory_bytes, self._more_variables)


def _is_usable(process: IsolatedProcess) -> bool:
    return process.is_alive and process.age < MAX_AGE_SECONDS

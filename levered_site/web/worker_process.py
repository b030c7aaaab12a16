"""A web process as the manager sees it: its heartbeat, its memory, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

from levered_site.local.processes import METRICS_NAME_VARIABLE

START_TIMEOUT_SECONDS = 120.0
# The event loop beats once per second.
HEARTBEAT_TIMEOUT_SECONDS = 15.0
STACK_DUMP_SECONDS = 0.5
# glibc's. Large blocks go back to the system when they are freed: left alone, malloc puts
# the next ones of their size among small ones, in an arena for each thread, and keeps
# hundreds of megabytes. Other allocators ignore these.
ALLOCATOR_SETTINGS = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(256 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(4 * 1024 * 1024),
}
RETIRE_SIGNAL = signal.SIGUSR1
STACK_DUMP_SIGNAL = signal.SIGUSR2


@dataclass(slots=True)
class WorkerProcess:
    """A web process and the reading end of its heartbeat pipe.

    `slot` is a number that no other process has at the same time. `is_replaced` says
    that another process takes its place, `is_retiring` that it was told so.
    """

    process: subprocess.Popen[bytes]
    heartbeat: int
    slot: int
    started_at: float
    deadline: float
    is_ready: bool = False
    is_replaced: bool = False
    is_retiring: bool = False
    memory_bytes: int = 0
    measurements_over_limit: int = 0

    @classmethod
    def start(cls, listener: socket.socket, slot: int) -> "WorkerProcess":
        """Start a web process that accepts connections of `listener`."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        port = listener.fileno()
        command = (
            *(sys.executable, "-m", "levered_site.web.worker"),
            *("--listener", str(port), "--heartbeat", str(writer)),
            *("--manager", str(os.getpid())),
        )
        process = subprocess.Popen(  # noqa: S603 - every part is ours
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=(port, writer),
            env={
                **ALLOCATOR_SETTINGS,
                **os.environ,
                # A successor goes on in these files, so that they do not pile up.
                METRICS_NAME_VARIABLE: f"web{slot}",
            },
        )
        os.close(writer)
        now = time.monotonic()
        return cls(process, reader, slot, now, now + START_TIMEOUT_SECONDS)

    def read_heartbeat(self) -> bool:
        """Empty the pipe, which can be read. Return False if the process has ended."""
        if not os.read(self.heartbeat, 4096):
            return False
        self.is_ready = True
        self.deadline = time.monotonic() + HEARTBEAT_TIMEOUT_SECONDS
        return True

    def measure(self, limit: int) -> None:
        """Read how much memory the process has, and count if that is over the limit."""
        try:
            self.memory_bytes = psutil.Process(self.process.pid).memory_info().rss
        except psutil.Error:  # it has ended, which its heartbeat tells
            return
        is_over = self.memory_bytes > limit
        self.measurements_over_limit = (
            self.measurements_over_limit + 1 if is_over else 0
        )

    def retire(self) -> None:
        """Tell the process once to finish its requests and to end."""
        if not self.is_retiring:
            self.is_retiring = True
            self.process.send_signal(RETIRE_SIGNAL)

    def kill_with_stack_dump(self) -> None:
        """Make the process write where its threads are, then kill it."""
        self.process.send_signal(STACK_DUMP_SIGNAL)
        time.sleep(STACK_DUMP_SECONDS)
        self.process.kill()

    def close(self) -> int:
        """Kill the process if it still runs, close the pipe, return the exit code."""
        os.close(self.heartbeat)
        self.process.kill()
        return self.process.wait()

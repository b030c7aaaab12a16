"""What is measured: processes that listen on a port of loopback."""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks.local_service import (
    ROOT,
    NotReadyError,
    find_free_port,
    measure_cpu_seconds,
    stop_process,
)
from benchmarks.serve.load import Address

WORKERS = 2
LISTEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load: its name, its port and the roots of its process trees."""

    name: str
    port: int
    process_ids: tuple[int, ...]

    @property
    def address(self) -> Address:
        """Host and port."""
        return "127.0.0.1", self.port

    def measure_cpu(self) -> float:
        """Return the seconds of CPU that all processes of the server used so far."""
        return sum(map(measure_cpu_seconds, self.process_ids))


@contextmanager
def start_process(
    command: tuple[str, ...],
    *,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; wait until it listens on its port.

    Raises NotReadyError.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if port is not None:
            _wait_until_listening(process, port)
        yield process
    finally:
        stop_process(process)


@contextmanager
def start_bare_granian() -> Iterator[Server]:
    """Run the bare WSGI application under granian. Raises NotReadyError without it."""
    if importlib.util.find_spec("granian") is None:
        raise NotReadyError("granian is not installed: see tests/requirements.txt.")
    port = find_free_port()
    options = f"--interface wsgi --http 1 --no-ws --workers {WORKERS} --port {port}"
    command = (
        *(sys.executable, "-m", "granian", *options.split()),
        *("--log-level", "error", "benchmarks.serve.bare_app:application"),
    )
    with start_process(command, port=port) as process:
        yield Server("granian", port, (process.pid,))


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + LISTEN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise NotReadyError(f"{process.args!r} does not listen on port {port}.")

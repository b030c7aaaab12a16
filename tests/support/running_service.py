"""The real `manage.py up` in a home of its own, for tests that hurt a running service."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from levered_site.local import embedded
from levered_site.local.processes import HOME_VARIABLE
from tests.support import prepared_database

ROOT = Path(__file__).parents[2]
# How much longer than on a quiet machine a test waits for something before it gives up.
PATIENCE = 4
RUN = Path(os.environ["LEVERED_HOME"])
PARTS = {
    "postgres": ("postgres", "-D"),
    "valkey": ("valkey-server",),
    "web": ("levered_site.web",),
    "worker": ("celery", "worker"),
    "clock": ("celery", "beat"),
}


@dataclass
class Service:
    """One home and the supervisor that runs on it, if one does."""

    home: Path
    port: int
    process: subprocess.Popen[str] | None = None
    # Words in front of the command, such as those that run it in other namespaces.
    wrapper: tuple[str, ...] = ()
    # Whether the first start finds a migrated database instead of an empty home.
    is_prepared: bool = True
    said: list[str] = field(default_factory=list)
    listener: threading.Thread | None = None

    def start(self, **settings: str) -> float:
        """Start with settings, wait until ready; how many seconds that took."""
        if self.is_prepared and not self.wrapper and not self.home.exists():
            prepared_database.put_database(self.home)
        began = time.monotonic()
        self.process = up(self.home, self.port, self.wrapper, **settings)
        self.said = []
        # A pipe that nobody empties stops whoever writes its log into it.
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        until(self.is_ready, 60)
        return time.monotonic() - began

    def _listen(self) -> None:
        assert self.process
        assert self.process.stdout
        with self.process.stdout as output:
            self.said.extend(output)

    def is_ready(self) -> bool:
        """Whether the stores answer through the web."""
        with suppress(httpx.HTTPError):
            address = f"http://127.0.0.1:{self.port}/readyz"
            return httpx.get(address, timeout=5).is_success
        return False

    def part(self, name: str) -> psutil.Process | None:
        """Find the child of that name, or the first worker of the web server."""
        assert self.process
        if name == "web worker":
            web = self.part("web")
            workers = web.children() if web else []
            return workers[0] if workers else None
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):
                command = " ".join(child.cmdline())
                if all(word in command for word in PARTS[name]):
                    return child
        return None

    def end(self, how: signal.Signals) -> str:
        """Send a signal to the supervisor; what it printed in its life."""
        assert self.process
        self.process.send_signal(how)
        self.process.wait(30 * PATIENCE)
        assert self.listener
        self.listener.join(30 * PATIENCE)
        self.process = None
        return "".join(self.said)

    def left(self) -> list[str]:
        """Every process and socket of this home that is still there."""
        folder = embedded.build_addresses(self.home).socket_folder
        return [*self.processes_left(), *map(str, folder.glob("*"))]

    def left_after(self, seconds: float) -> list[str]:
        """Every process that still works for this home after so long, if any does."""
        deadline = time.monotonic() + seconds * PATIENCE
        while (left := self.processes_left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def processes_left(self) -> list[str]:
        """Every process that works for this home."""
        return [str(one) for one in psutil.process_iter() if self._has(one)]

    def _has(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get(HOME_VARIABLE) == str(self.home)
            return marked or Path(process.cwd()).is_relative_to(self.home)
        except psutil.Error:
            return False


def up(
    home: Path, port: int, wrapper: tuple[str, ...] = (), **settings: str
) -> subprocess.Popen[str]:
    """Run `manage.py up` as a shell would. The mark lets the next run sweep it."""
    environment = {**os.environ, "LEVERED_HOME": str(home), "PORT": str(port)}
    environment |= settings
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name)
    return subprocess.Popen(
        [*wrapper, sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment | {HOME_VARIABLE: str(RUN)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def works(process: psutil.Process) -> bool:
    """Whether a process runs, and is not only still listed."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def until(true: Callable[[], object], seconds: float) -> None:
    """Wait for something to become true; `seconds` are those of a quiet machine."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds * PATIENCE} s"
        time.sleep(0.05)


def crowding() -> float:
    """How much slower this machine is for having other work: 1 where it has none."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        number: int = trial.getsockname()[1]
        return number


@contextmanager
def home_named(name: str, *, is_prepared: bool = True) -> Iterator[Service]:
    """Give a service in a fresh home, ended whatever the test did."""
    home = RUN.parent / "homes" / name
    service = Service(home, free_port(), is_prepared=is_prepared)
    try:
        yield service
    finally:
        if service.process:
            print(service.end(signal.SIGTERM))  # noqa: T201 - shown when the test failed


def issue_token(home: Path, organization: str = "org_demo") -> str:
    """Print a token of an organization's admin, as a second shell would."""
    done = subprocess.run(
        (
            sys.executable,
            "manage.py",
            *["issue_token", "--org", organization, "--role", "admin"],
        ),
        cwd=ROOT,
        env={**os.environ, "LEVERED_HOME": str(home)}
        | {"DATABASE_URL": embedded.build_addresses(home).database_url},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()

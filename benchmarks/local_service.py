"""Start `manage.py up` in a home of its own, and find, watch and stop its processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from levered_site.local import embedded

ROOT = Path(__file__).parents[1]
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
# Neither a request nor a new user is refused: a measurement comes from one address.
UNLIMITED: Mapping[str, str] = dict.fromkeys(
    ("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST", "NEW_USERS_PER_MINUTE"),
    "0",
)
# A part is the child of the supervisor whose command has these words; the web server is
# the child that is none of them, whichever server it is.
PART_WORDS = {
    "postgres": ("postgres", "-D"),
    "valkey": ("valkey-server",),
    "worker": ("celery", "worker"),
    "clock": ("celery", "beat"),
}


class NotReadyError(Exception):
    """A server did not answer in time, or ended; the message says where its log is."""


@dataclass(slots=True)
class LocalService:
    """A running `manage.py up`: its home, its port on loopback and its process id."""

    home: Path
    port: int
    process_id: int
    checkout: Path = ROOT

    @property
    def url(self) -> str:
        """The address of the API, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/api/v2"

    @property
    def database_url(self) -> str:
        """The address of the embedded Postgres."""
        return embedded.build_addresses(self.home).database_url

    def is_ready(self) -> bool:
        """Return whether the stores answer through the web server."""
        with suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self.port}/readyz"
            return httpx.get(url, timeout=5, trust_env=False).is_success
        return False

    def find_part(self, name: str) -> psutil.Process | None:
        """Return the process of a part, None while it is down.

        `name` is a key of PART_WORDS, "web", or "web worker" for the first of its
        processes.
        """
        if name == "web worker":
            return next(iter(self.list_web_workers()), None)
        for child in psutil.Process(self.process_id).children():
            with suppress(psutil.Error):
                if _find_part_name(child) == name:
                    return child
        return None

    def list_web_workers(self) -> list[psutil.Process]:
        """Return the processes that answer requests."""
        web = self.find_part("web")
        try:
            children = web.children() if web else []
            return [c for c in children if "resource_tracker" not in _join_command(c)]
        except psutil.Error:
            return []

    def issue_token(self) -> str:
        """Return a token of org_demo's admin."""
        return self.run_command("issue_token", "--org", "org_demo", "--role", "admin")

    def run_command(self, *arguments: str) -> str:
        """Return what a command of manage.py prints. Raises CalledProcessError."""
        done = subprocess.run(
            (_find_python(self.checkout), "manage.py", *arguments),
            cwd=self.checkout,
            env=_build_environment(self.home, self.port),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@contextmanager
def run_service(
    settings: Mapping[str, str], *, checkout: Path = ROOT, home: Path | None = None
) -> Iterator[LocalService]:
    """Run the service of a checkout until the block ends.

    Without a home it runs in a temporary one, deleted afterwards. Raises NotReadyError.
    """
    with TemporaryDirectory(prefix="levered-bench-") as folder:
        own_home = home or Path(folder) / "home"
        port = find_free_port()
        log_path = Path(folder) / "up.log"
        with log_path.open("wb") as log_file:
            process = subprocess.Popen(
                (_find_python(checkout), "manage.py", "up"),
                cwd=checkout,
                env={**_build_environment(own_home, port), **settings},
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
            )
        service = LocalService(own_home, port, process.pid, checkout)
        try:
            _wait_until_ready(service, process, log_path)
            yield service
        finally:
            stop_process(process)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; kill it where it does not within STOP_SECONDS."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measure_cpu_seconds(process_id: int) -> float:
    """Return the CPU time of a process, its descendants, and those that ended before."""
    with suppress(psutil.Error):
        root = psutil.Process(process_id)
        return sum(map(_read_cpu_seconds, (root, *root.children(recursive=True))))
    return 0.0


def _read_cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        ended = times.children_user + times.children_system
        return float(times.user + times.system + ended)
    return 0.0


def _find_part_name(child: psutil.Process) -> str:
    command = _join_command(child)
    for name, words in PART_WORDS.items():
        if all(word in command for word in words):
            return name
    return "web"


def _join_command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def _find_python(checkout: Path) -> str:
    """Return the interpreter of a checkout's environment, or this process's own."""
    own = checkout / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def _build_environment(home: Path, port: int) -> dict[str, str]:
    environment = {**os.environ, "LEVERED_HOME": str(home), "PORT": str(port)}
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "HOST"):
        environment.pop(name, None)
    return environment


def _wait_until_ready(
    service: LocalService, process: subprocess.Popen[bytes], log_path: Path
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not service.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            text = log_path.read_text(errors="replace")[-2000:]
            raise NotReadyError(f"The service is not ready. It printed:\n{text}")
        time.sleep(0.1)

"""The supervisor of a home: it starts, restarts and stops the child processes."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import psutil
import structlog

from levered_site.local import processes
from levered_site.local.processes import HOME_VARIABLE, Program
from levered_site.local.web_probe import WebProbe

TICK_SECONDS = 0.1
FIRST_RESTART_DELAY = 0.2
MAX_RESTART_DELAY = 5.0
HEALTHY_AFTER_SECONDS = 10.0
LEFTOVER_TIMEOUT_SECONDS = 20.0

log = structlog.get_logger(__name__)


class HomeTakenError(Exception):
    """Another supervisor runs in this home."""


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Hold the lock of a home; the kernel releases it when this process ends.

    Raises HomeTakenError if another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        # Whoever can open the file can lock it and keep the service from starting. A home
        # of root may be entered by others.
        os.fchmod(descriptor, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeTakenError(str(home)) from error
        yield


@dataclass(slots=True)
class Child:
    """A program and its latest process.

    `restart_at` is None while the process runs, else the time of the next start.
    `failures` counts exits in a row. `probe` asks a web server whether it answers.
    """

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    failures: int = 0
    restart_at: float | None = None
    probe: WebProbe | None = None


@dataclass(slots=True)
class Supervisor:
    """Start programs, restart those that die, stop them all."""

    home: Path
    children: list[Child] = field(default_factory=list)
    is_stop_requested: bool = False
    is_stopping: bool = False

    @contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Treat Ctrl-C, SIGTERM and a closed terminal as a request to stop.

        The first signal sets a flag, and `tick` raises KeyboardInterrupt. Raised in the
        signal handler, it could get lost in a callback, or a child just forked could go
        unrecorded. A second signal raises at once, unless `stop` is already running:
        then signals are ignored.
        """
        signal_numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
            signal_numbers.append(signal.SIGHUP)
        previous_handlers = {
            number: signal.signal(number, self._request_stop)
            for number in signal_numbers
        }
        try:
            yield
        finally:
            for number, handler in previous_handlers.items():
                signal.signal(number, handler)

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_stop_requested and not self.is_stopping:
            raise KeyboardInterrupt
        self.is_stop_requested = True

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        environment = {**program.environment, HOME_VARIABLE: str(self.home)}
        program = replace(program, environment=environment)
        process = processes.start_program(program)
        now = time.monotonic()
        probe = _build_probe(program, now)
        self.children.append(Child(program, process, started_at=now, probe=probe))

    def tick(self) -> None:
        """Check every child once: note exits, restart those whose delay is over.

        Raises KeyboardInterrupt after a request to stop.
        """
        if self.is_stop_requested:
            raise KeyboardInterrupt
        now = time.monotonic()
        for child in self.children:
            if child.restart_at is None and _has_exited(child.process.pid):
                _handle_exit(child, now)
            elif child.probe is not None and child.probe.is_deaf(now):
                _kill_deaf_child(child)
            elif child.restart_at is not None and now >= child.restart_at:
                _restart_child(child, now)

    def wait(self, seconds: float) -> None:
        """Tick for a number of seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tick()
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """Stop the programs that use the stores, then the stores."""
        self.is_stopping = True
        running_children = [
            child for child in self.children if child.restart_at is None
        ]
        self.children.clear()
        _stop_children(
            [child for child in running_children if not child.program.is_store]
        )
        _stop_children([child for child in running_children if child.program.is_store])


def _has_exited(pid: int) -> bool:
    """Return whether a child has exited, leaving it a zombie.

    While it is one, its process group id cannot be reused.
    """
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, flags) is not None


def _handle_exit(child: Child, now: float) -> None:
    """Kill the rest of the child's group and set the time of its restart."""
    _stop_probe(child)
    _kill_group(child)
    was_healthy = now - child.started_at > HEALTHY_AFTER_SECONDS
    child.failures = 1 if was_healthy else child.failures + 1
    delay = min(FIRST_RESTART_DELAY * 2 ** (child.failures - 1), MAX_RESTART_DELAY)
    child.restart_at = now + delay
    log.warning(
        "child died",
        child=child.program.name,
        code=child.process.returncode,
        restart_in_seconds=delay,
    )


def _build_probe(program: Program, now: float) -> WebProbe | None:
    return WebProbe(*program.web_address, now) if program.web_address else None


def _kill_deaf_child(child: Child) -> None:
    """Kill a web server that does not answer; the next tick restarts it."""
    log.error("child does not answer", child=child.program.name)
    _stop_probe(child)
    os.killpg(child.process.pid, signal.SIGKILL)


def _stop_probe(child: Child) -> None:
    if child.probe is not None:
        child.probe.close()
        child.probe = None


def _restart_child(child: Child, now: float) -> None:
    try:
        child.process = processes.start_program(child.program)
    except processes.StartError as error:
        _handle_failed_start(child, error, now)
    else:
        child.started_at, child.restart_at = now, None
        child.probe = _build_probe(child.program, now)


def _handle_failed_start(child: Child, error: processes.StartError, now: float) -> None:
    log.error("child not started", child=child.program.name, error=str(error))
    child.restart_at = now + MAX_RESTART_DELAY


def _stop_children(children: Sequence[Child]) -> None:
    """Signal all children, wait for each up to its timeout, kill the rest."""
    signaled_at = time.monotonic()
    for child in children:
        # Not Popen.send_signal: it reaps a child that has just exited, whose state could
        # then no longer be asked for. A child that is not reaped keeps its pid.
        if not _has_exited(child.process.pid):
            os.kill(child.process.pid, child.program.stop_signal)
    for child in children:
        deadline = signaled_at + child.program.stop_timeout_seconds
        while not _has_exited(child.process.pid) and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS / 5)
        _kill_group(child)


def _kill_group(child: Child) -> None:
    """Kill the child's group: the workers of a dead web server would go on serving."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()


def end_leftover_processes(home: Path) -> int:
    """End the processes that a killed supervisor left; return how many there were.

    Call it only while holding the lock of the home.
    """
    leftovers = [
        process for process in psutil.process_iter() if _belongs_to_home(process, home)
    ]
    for process in leftovers:
        with suppress(psutil.Error):
            is_postgres = process.name() == "postgres"
            process.send_signal(signal.SIGINT if is_postgres else signal.SIGTERM)
    _, alive = psutil.wait_procs(leftovers, timeout=LEFTOVER_TIMEOUT_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=LEFTOVER_TIMEOUT_SECONDS)
    return len(leftovers)


def _belongs_to_home(process: psutil.Process, home: Path) -> bool:
    try:
        return bool(process.environ().get(HOME_VARIABLE) == str(home))
    except psutil.Error:
        return False

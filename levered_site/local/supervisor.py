"""Keeps the children of one home alive: one supervisor a home, restarts, a clean end."""

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

TICK_SECONDS = 0.1
FIRST_RESTART_DELAY = 0.2
MAX_RESTART_DELAY = 5.0
HEALTHY_AFTER_SECONDS = 10.0
LEFTOVER_TIMEOUT_SECONDS = 20.0

log = structlog.get_logger(__name__)


class HomeTakenError(Exception):
    """Another supervisor runs on this home."""


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Hold the home's lock; the kernel lets go of it when we die, however we die.

    Raises HomeTakenError when somebody else holds it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeTakenError(str(home)) from error
        yield


@dataclass(slots=True)
class Child:
    """A program and the process that currently is it."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    failures: int = 0
    due_at: float | None = None


@dataclass(slots=True)
class Supervisor:
    """Starts programs, restarts what dies, stops them all."""

    home: Path
    children: list[Child] = field(default_factory=list)
    is_stop_requested: bool = False
    stopping: bool = False

    @contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop.

        The wish is noted, and `tick` raises KeyboardInterrupt: raised by the signal
        itself it could get lost in a callback, or part us from a child just forked.
        Whoever asks twice does not wait for a tick.
        """
        names = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
            names.append(signal.SIGHUP)
        before = {name: signal.signal(name, self._note_stop_request) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _note_stop_request(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_stop_requested and not self.stopping:
            raise KeyboardInterrupt
        self.is_stop_requested = True

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        marked = replace(
            program, environment={**program.environment, HOME_VARIABLE: str(self.home)}
        )
        self.children.append(
            Child(marked, processes.start_program(marked), time.monotonic())
        )

    def tick(self) -> None:
        """Look at every child once: bury the dead, start those whose delay is over.

        Raises KeyboardInterrupt when somebody asked to stop.
        """
        if self.is_stop_requested:
            raise KeyboardInterrupt
        now = time.monotonic()
        for child in self.children:
            if child.due_at is None and _has_exited(child.process.pid):
                _handle_exit(child, now)
            elif child.due_at is not None and now >= child.due_at:
                _restart_child(child, now)

    def wait(self, seconds: float) -> None:
        """Tend the children for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tick()
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """Stop every child: who uses the stores first, then the stores."""
        self.stopping = True
        running = [child for child in self.children if child.due_at is None]
        self.children.clear()
        for stores in (False, True):
            _stop_children(
                [child for child in running if child.program.store is stores]
            )


def _has_exited(pid: int) -> bool:
    """Whether the child has exited. It stays a zombie, so that its group stays its own."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, pid, flags) is not None


def _handle_exit(child: Child, now: float) -> None:
    """Note a death, end what is left of its group, and say when to start again."""
    _kill_group(child)
    healthy = now - child.started_at > HEALTHY_AFTER_SECONDS
    child.failures = 1 if healthy else child.failures + 1
    delay = min(FIRST_RESTART_DELAY * 2 ** (child.failures - 1), MAX_RESTART_DELAY)
    child.due_at = now + delay
    log.warning(
        "child died",
        child=child.program.name,
        code=child.process.returncode,
        restart_in_seconds=delay,
    )


def _restart_child(child: Child, now: float) -> None:
    try:
        child.process = processes.start_program(child.program)
    except processes.StartError as error:
        log.error("child not started", child=child.program.name, error=str(error))  # noqa: TRY400 - the message is enough
        child.due_at = now + MAX_RESTART_DELAY
    else:
        child.started_at, child.due_at = now, None


def _stop_children(children: Sequence[Child]) -> None:
    """Ask all, wait for each as long as its patience allows, kill the rest."""
    asked_at = time.monotonic()
    for child in children:
        child.process.send_signal(child.program.stop)
    for child in children:
        deadline = asked_at + child.program.stop_timeout_seconds
        while not _has_exited(child.process.pid) and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS / 5)
        _kill_group(child)


def _kill_group(child: Child) -> None:
    """Kill the child's whole group (a dead web server's workers go on answering)."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()


def end_leftover_processes(home: Path) -> int:
    """End what a killed supervisor left of this home. Only while holding its lock."""
    left = [
        process for process in psutil.process_iter() if _belongs_to_home(process, home)
    ]
    for process in left:
        with suppress(psutil.Error):
            postgres = process.name() == "postgres"
            process.send_signal(signal.SIGINT if postgres else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(left, timeout=LEFTOVER_TIMEOUT_SECONDS)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=LEFTOVER_TIMEOUT_SECONDS)
    return len(left)


def _belongs_to_home(process: psutil.Process, home: Path) -> bool:
    try:
        return bool(process.environ().get(HOME_VARIABLE) == str(home))
    except psutil.Error:
        return False

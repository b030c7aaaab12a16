"""The programs that use the stores: web server, Celery worker, Celery beat (clock)."""

import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from levered_site.local.processes import Program

WEB_WORKERS = 2
WEB_STOP_SECONDS = 13.0  # requests that run are finished within 10 s
WORKER_CONCURRENCY = 2


def build_programs(home: Path, host: str, port: int) -> list[Program]:
    """Return the web server, worker and clock of a home, in the order to start them."""
    environment = {
        "PROMETHEUS_MULTIPROC_DIR": str(_reset_metrics_folder(home / "metrics")),
        "LEVERED_HOME": str(home),
    }

    def build_program(
        name: str,
        command: list[str],
        stop_signal: signal.Signals,
        orphan_signal: signal.Signals = signal.SIGTERM,
        **options: Any,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *command),
            folder=Path(settings.BASE_DIR),
            environment=environment,
            stop_signal=stop_signal,
            orphan_signal=orphan_signal,
            **options,
        )

    return [
        build_program(
            "web",
            _build_web_command(host, port),
            signal.SIGTERM,
            stop_timeout_seconds=WEB_STOP_SECONDS,
            web_address=(host, port),
        ),
        # SIGQUIT returns unfinished tasks to the queue instead of waiting for them. A
        # worker whose broker is gone, too, would wait forever after it. SIGKILL also
        # ends the pool, and the reaper sends the tasks again from their rows.
        build_program(
            "worker", _build_worker_command(), signal.SIGQUIT, signal.SIGKILL
        ),
        build_program(
            "clock", [*_build_clock_command(), str(home / "clock")], signal.SIGTERM
        ),
    ]


def _build_web_command(host: str, port: int) -> list[str]:
    """Return the command of the manager of the web processes."""
    return (
        f"-m levered_site.web --host {host} --port {port} --workers {WEB_WORKERS} "
        f"--worker-memory {settings.WORKER_MEMORY_BYTES}"
    ).split()


def _build_worker_command() -> list[str]:
    """Return the command of the worker.

    The ignored warning, at each start as root, is about pickle, which is not accepted.
    """
    return [
        *("-W", "ignore:You're running the worker with superuser"),
        *("-m", "celery", "--quiet", "-A", "levered_site.celery", "worker"),
        *(
            "--concurrency",
            str(WORKER_CONCURRENCY),
            "--without-gossip",
            "--without-mingle",
        ),
    ]


def _build_clock_command() -> list[str]:
    """Return the command of beat, without a pid file: a kill would leave it behind."""
    command = "-m celery --quiet -A levered_site.celery beat --pidfile= --schedule"
    return command.split()


def _reset_metrics_folder(folder: Path) -> Path:
    """Delete the counts of the last run: Prometheus expects counters to start at 0.

    The folder is closed to other users: the counts name every route and optimization.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    folder.chmod(0o700)  # it may be of an earlier version
    for file in folder.glob("*.db"):
        file.unlink()
    return folder

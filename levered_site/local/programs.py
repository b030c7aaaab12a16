"""The command lines of what runs beside the stores: web server, Celery worker, clock."""

import signal
import sys
from pathlib import Path

from django.conf import settings

from levered_site.local.processes import Program

WEB_WORKERS = 2
THREADS_PER_WORKER = 32
WORKER_CONCURRENCY = 2


def build_programs(home: Path, host: str, port: int) -> list[Program]:
    """Describe web server, worker and clock of a home, in the order to start them."""
    environment = {
        "PROMETHEUS_MULTIPROC_DIR": str(_reset_metrics_folder(home / "metrics")),
        "LEVERED_HOME": str(home),
    }

    def build_program(
        name: str,
        command: list[str],
        stop: signal.Signals,
        orphaned: signal.Signals = signal.SIGTERM,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *command),
            folder=Path(settings.BASE_DIR),
            environment=environment,
            stop=stop,
            orphan_signal=orphaned,
        )

    return [
        build_program("web", _build_web_command(host, port), signal.SIGTERM),
        # SIGQUIT gives unfinished tasks back to the queue instead of waiting for them; but
        # with its broker gone at the same time it was seen to wait for ever. Killed, its
        # pool ends with it, and tasks are sent again from their rows.
        build_program(
            "worker", _build_worker_command(), signal.SIGQUIT, signal.SIGKILL
        ),
        build_program(
            "clock", [*_build_clock_command(), str(home / "clock")], signal.SIGTERM
        ),
    ]


def _build_web_command(host: str, port: int) -> list[str]:
    """Sync views on threads; without respawning, one dead worker would stop them all.

    Its log says errors only: the warning of each start is about our 32 threads, which
    mostly wait for a commit.
    """
    return (
        f"-m granian --interface wsgi --host {host} --port {port} --http 1 --no-ws "
        f"--workers {WEB_WORKERS} --blocking-threads {THREADS_PER_WORKER} "
        "--respawn-failed-workers --respawn-interval 0.5 --workers-kill-timeout 10s "
        "--log-level error levered_site.wsgi:application"
    ).split()


def _build_worker_command() -> list[str]:
    """Take jobs. Its warning of each start under root is about pickle, which we refuse."""
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
    """Send what is due. No pid file: after a kill it would refuse the next start."""
    command = "-m celery --quiet -A levered_site.celery beat --pidfile= --schedule"
    return command.split()


def _reset_metrics_folder(counts: Path) -> Path:
    """Forget the counts of the last run: Prometheus expects counters to start at zero."""
    counts.mkdir(exist_ok=True)
    for file in counts.glob("*.db"):
        file.unlink()
    return counts

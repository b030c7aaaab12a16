"""`python -m levered_site.web`: the web server, until SIGTERM."""

import argparse
import logging
import os
import sys

try:
    import structlog
except ModuleNotFoundError as error:
    raise SystemExit(
        f"levered_site.web needs the module {error.name}, which {sys.executable} does not "
        "have: run `make run`, which makes the environment first."
    ) from error

from levered_site.web.listener import open_listener, raise_file_limit
from levered_site.web.manager import Manager


def main() -> None:
    """Open the port and keep the web processes running."""
    parser = argparse.ArgumentParser(prog="levered_site.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--worker-memory",
        type=int,
        default=0,
        help="bytes beyond which a process is replaced; 0 for no limit",
    )
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levered_site.settings")
    _configure_logging()
    raise_file_limit()
    listener = open_listener(options.host, options.port)
    Manager(listener, options.workers, options.worker_memory).run()


def _configure_logging() -> None:
    """Log one JSON object per line, as the processes do.

    Through the standard library, which goes on where the log cannot be written: a full
    disk must not end the manager.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


if __name__ == "__main__":
    main()

"""One web process: uvicorn on a socket that the manager opened."""

import argparse
import faulthandler
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

import uvicorn
from typing_extensions import override

from levered_site.local.processes import request_parent_death_signal

APPLICATION = "levered_site.asgi:application"
BACKLOG = 2048
DRAIN_SECONDS = 8  # the manager waits longer, and the supervisor longer than that
TICKS_PER_SECOND = 10  # uvicorn calls on_tick this often


class WebServer(uvicorn.Server):
    """A uvicorn server whose event loop tells the manager each second that it runs."""

    def __init__(self, config: uvicorn.Config, heartbeat: int) -> None:
        super().__init__(config)
        self._heartbeat = heartbeat

    @override
    async def on_tick(self, counter: int) -> bool:
        """Write to the heartbeat pipe once per second."""
        if counter % TICKS_PER_SECOND == 0:
            with suppress(OSError):  # the manager is gone or does not read
                os.write(self._heartbeat, b".")
        return await super().on_tick(counter)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM; then finish the running requests."""
    options = _parse(arguments)
    request_parent_death_signal(options.manager, signal.SIGTERM)
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    os.set_blocking(options.heartbeat, False)
    config = uvicorn.Config(
        APPLICATION,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = WebServer(config, options.heartbeat)
    server.run([socket.socket(fileno=options.listener)])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listener", type=int, required=True)
    parser.add_argument("--heartbeat", type=int, required=True)
    parser.add_argument("--manager", type=int, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

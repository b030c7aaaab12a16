"""One web process: uvicorn on a socket that the manager opened."""

import argparse
import asyncio
import faulthandler
import gc
import os
import resource
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import django
import uvicorn
from django.conf import settings
from django.utils.module_loading import import_string
from typing_extensions import override

from levered_site.local.processes import request_parent_death_signal
from levered_site.web.connections import ConnectionTable
from levered_site.web.direct import build_direct_class
from levered_site.web.inspection import Inspection
from levered_site.web.listener import BACKLOG, admit_nobody, close_after_accepting
from levered_site.web.protocol import (
    ProtocolLimits,
    WebProtocol,
    build_protocol_class,
)

APPLICATION = "levered_site.asgi:application"
DIRECT_ANSWER = "levered_site.asgi.answer_directly"
DRAIN_SECONDS = 8  # the manager waits longer, and the supervisor longer than that
GC_THRESHOLDS = (20_000, 20, 20)
RESERVED_FILES = 256  # database connections, static files, the event loop's own
# Of responses; beyond it the slowest readers are cut off.
MAX_UNREAD_BYTES = 128 * 2**20
# Until handshakes are complete and uvloop has closed its sockets.
CLOSING_SECONDS = 0.1
TICKS_PER_SECOND = 10  # uvicorn calls on_tick this often


class WebServer(uvicorn.Server):
    """A uvicorn server whose event loop tells the manager each second that it runs."""

    def __init__(
        self, config: uvicorn.Config, protocol_class: type[WebProtocol], heartbeat: int
    ) -> None:
        super().__init__(config)
        self._protocol_class = protocol_class
        self._heartbeat = heartbeat
        self._inspection = Inspection(TICKS_PER_SECOND, MAX_UNREAD_BYTES)

    @override
    async def on_tick(self, counter: int) -> bool:
        """Write to the heartbeat pipe once per second, and look at connections."""
        if counter % TICKS_PER_SECOND == 0:
            with suppress(OSError):  # the manager is gone or does not read
                os.write(self._heartbeat, b".")
        connections = cast("set[WebProtocol]", self.server_state.connections)
        self._inspection.step(connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who is already waiting at the port, then stop.

        The kernel resets connections that nobody accepts before the port closes. So new
        ones are kept out first. uvloop closes its sockets a little later than asked: the
        last accept is on copies.
        """
        loop = asyncio.get_running_loop()
        listeners = [listener.dup() for listener in sockets or []]
        for listener in listeners:
            admit_nobody(listener)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        await asyncio.sleep(CLOSING_SECONDS)
        for listener in listeners:
            for connection in close_after_accepting(listener):
                await loop.connect_accepted_socket(self._create_protocol, connection)
        await super().shutdown(sockets)

    def _create_protocol(self) -> WebProtocol:
        return self._protocol_class(self.config, self.server_state, self.lifespan.state)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM; then finish the running requests."""
    options = _parse(arguments)
    request_parent_death_signal(options.manager, signal.SIGTERM)
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    os.set_blocking(options.heartbeat, False)
    django.setup()  # before the application is imported: it imports models
    limits = ProtocolLimits(settings.WEB_REQUEST_SECONDS, settings.WEB_WRITE_SECONDS)
    protocol_class = _build_protocol(limits)
    config = uvicorn.Config(
        APPLICATION,
        loop="uvloop",
        http=protocol_class,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=settings.WEB_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _spare_garbage_collector()
    server = WebServer(config, protocol_class, options.heartbeat)
    server.run([socket.socket(fileno=options.listener)])


def _spare_garbage_collector() -> None:
    """Leave out what was loaded, and look at the rest less often.

    A full round over the modules of the application stops the process for some 0.2 s.
    """
    import_string(APPLICATION.replace(":", "."))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _build_protocol(limits: ProtocolLimits) -> type[WebProtocol]:
    table = _build_table()
    if not settings.WEB_DIRECT_ANSWERS:
        return build_protocol_class(table, limits)
    return build_direct_class(table, limits, import_string(DIRECT_ANSWER))


def _build_table() -> ConnectionTable:
    """Return the table of connections, with room for the files of the application."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    total = min(settings.WEB_CONNECTIONS, max(16, open_files - RESERVED_FILES))
    is_behind_proxy = settings.TRUSTED_PROXIES > 0
    per_address = None if is_behind_proxy else settings.WEB_CONNECTIONS_PER_ADDRESS
    return ConnectionTable(total, per_address)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listener", type=int, required=True)
    parser.add_argument("--heartbeat", type=int, required=True)
    parser.add_argument("--manager", type=int, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

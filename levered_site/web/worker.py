"""One web process: uvicorn on a socket that the manager opened."""

import argparse
import faulthandler
import gc
import os
import resource
import signal
import socket
from collections.abc import Sequence

import django
import uvicorn
from django.conf import settings
from django.utils.module_loading import import_string

from levered_site.local.processes import request_parent_death_signal
from levered_site.web.connections import ConnectionTable
from levered_site.web.direct import build_direct_class
from levered_site.web.listener import BACKLOG
from levered_site.web.protocol import (
    ProtocolLimits,
    WebProtocol,
    build_protocol_class,
)
from levered_site.web.server import WebServer
from levered_site.web.worker_process import RETIRE_SIGNAL, STACK_DUMP_SIGNAL

APPLICATION = "levered_site.asgi:application"
HEAD_READER = "levered_site.asgi.read_head"
DRAIN_SECONDS = 8  # the manager waits longer, and the supervisor longer than that
GC_THRESHOLDS = (20_000, 20, 20)
RESERVED_FILES = 256  # database connections, static files, the event loop's own


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM; then finish the running requests."""
    options = _parse(arguments)
    request_parent_death_signal(options.manager, signal.SIGTERM)
    faulthandler.register(STACK_DUMP_SIGNAL, all_threads=True)
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
    signal.signal(RETIRE_SIGNAL, server.request_retirement)
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
    return build_direct_class(table, limits, import_string(HEAD_READER))


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

"""The listening socket that all web processes share."""

import resource
import socket
from collections.abc import Iterator
from contextlib import suppress

# A peer that vanished is noticed after about a minute: on an idle connection by probes,
# on a busy one by data that it does not acknowledge.
KEEPALIVE_IDLE_SECONDS = 30
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 3
BACKLOG = 2048
UNACKNOWLEDGED_MILLISECONDS = 60_000
MAX_OPEN_FILES = 65_536


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket, whose options each accepted connection inherits.

    Clients that connect before a process accepts wait. Raises OSError if the address
    cannot be used.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_SECONDS),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_SECONDS),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MILLISECONDS),
    ):
        if hasattr(socket, name):  # Linux has them all
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    listener.bind(address)
    listener.listen(BACKLOG)
    return listener


def accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Accept the connections that wait at a port, and no later ones."""
    listener.settimeout(0)
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(0)
            yield connection


def raise_file_limit() -> int:
    """Raise the limit of open files as far as it goes, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    limit = max(soft, min(limit, MAX_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit

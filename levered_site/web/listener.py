"""The listening socket that all web processes share."""

import ctypes
import resource
import socket
import struct
import sys
from contextlib import suppress

# A peer that vanished is noticed after about a minute: on an idle connection by probes,
# on a busy one by data that it does not acknowledge.
KEEPALIVE_IDLE_SECONDS = 30
KEEPALIVE_INTERVAL_SECONDS = 10
KEEPALIVE_PROBES = 3
BACKLOG = 2048
UNACKNOWLEDGED_MILLISECONDS = 60_000
MAX_OPEN_FILES = 65_536
_SO_ATTACH_FILTER = 26
# Instructions of the kernel's packet filter (struct sock_filter: code, jump if true, jump
# if false, constant). The packet begins with the TCP header; byte 13 holds its flags.
_DROP_SYN = (
    struct.pack("HBBI", 0x30, 0, 0, 13),  # load the flags
    struct.pack("HBBI", 0x45, 0, 1, 0x02),  # unless SYN is set, skip one instruction
    struct.pack("HBBI", 0x06, 0, 0, 0),  # drop the packet
    struct.pack("HBBI", 0x06, 0, 0, 0xFFFFFFFF),  # take the whole packet
)


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


def admit_nobody(listener: socket.socket) -> None:
    """Drop who asks for a connection from now on, on Linux; handshakes go on.

    Clients ask again after a second. If the port is closed by then they are refused,
    and none of them was reset in the queue of a port that closes.
    """
    if not sys.platform.startswith("linux"):
        return
    program = ctypes.create_string_buffer(b"".join(_DROP_SYN), 8 * len(_DROP_SYN))
    # struct sock_fprog: a count, then a pointer.
    described = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def close_after_accepting(listener: socket.socket) -> list[socket.socket]:
    """Close a port and return the connections that waited at it."""
    connections = []
    listener.settimeout(0)
    with listener, suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(0)
            connections.append(connection)
    return connections


def raise_file_limit() -> int:
    """Raise the limit of open files as far as it goes, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    limit = max(soft, min(limit, MAX_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit

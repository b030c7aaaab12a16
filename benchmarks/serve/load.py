"""A load of HTTP requests from one thread: so many connections, each waiting its turn."""

import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class LoadResult:
    """What came back: seconds of each answer, and how many of each status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers of status 200 a second."""
        return self.statuses.get(200, 0) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def add(self, other: Self) -> None:
        """Put another round of the same load beside this one."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


@dataclass(slots=True)
class _Connection:
    """One connection and the request it waits for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.received = b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read on; the status once the answer is whole."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("the service closed a connection")
        self.received += part
        head, found, body = self.received.partition(HEAD_END)
        if not found:
            return None
        length = LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return None
        return int(head[9:12])


def build_request(method: str, host: str, path: str, body: bytes = b"") -> bytes:
    """Write a request as bytes, the connection kept open."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run_load(
    address: tuple[str, int],
    requests: Iterator[bytes],
    *,
    connections: int,
    seconds: float,
) -> LoadResult:
    """Send for so many seconds, one request a connection at a time."""
    measured = LoadResult()
    with selectors.DefaultSelector() as selector:
        opened = [
            _Connection(socket.create_connection(address)) for _ in range(connections)
        ]
        started = time.perf_counter()
        for one in opened:
            selector.register(one.socket, selectors.EVENT_READ, one)
            one.send(next(requests))
        waiting = connections
        while waiting:
            for key, _ in selector.select():
                one = key.data
                status = one.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                measured.latencies.append(now - one.sent_at)
                measured.statuses[status] = measured.statuses.get(status, 0) + 1
                if now - started < seconds:
                    one.send(next(requests))
                else:
                    waiting -= 1
        measured.seconds = time.perf_counter() - started
        for one in opened:
            one.socket.close()
    return measured

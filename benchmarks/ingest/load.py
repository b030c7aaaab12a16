"""HTTP load from one thread over many connections, one request at a time on each."""

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
    """Seconds of the run, seconds of each response, and counts of each status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Responses with status 200 a second."""
        return self.statuses.get(200, 0) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the milliseconds within which this share of the responses arrived."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def add(self, other: Self) -> None:
        """Add another round of the same load."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


@dataclass(slots=True)
class _Connection:
    """One connection, and the response that it waits for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.received = b""
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read more of the response; return its status once it is complete."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("the service closed a connection")
        self.received += part
        head, separator, body = self.received.partition(HEAD_END)
        if not separator:
            return None
        length = LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return None
        return int(head[9:12])


def build_request(method: str, host: str, path: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request that keeps the connection open."""
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
    """Send requests for some seconds, one at a time on each connection."""
    result = LoadResult()
    with selectors.DefaultSelector() as selector:
        opened = [
            _Connection(socket.create_connection(address)) for _ in range(connections)
        ]
        started_at = time.perf_counter()
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(requests))
        waiting = connections
        while waiting:
            for key, _ in selector.select():
                connection = key.data
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                result.latencies.append(now - connection.sent_at)
                result.statuses[status] = result.statuses.get(status, 0) + 1
                if now - started_at < seconds:
                    connection.send(next(requests))
                else:
                    waiting -= 1
        result.seconds = time.perf_counter() - started_at
        for connection in opened:
            connection.socket.close()
    return result

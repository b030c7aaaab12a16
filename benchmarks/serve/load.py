"""HTTP load from one thread over many connections, one request at a time on each."""

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
ANSWER_SECONDS = 30.0  # how long the last responses of a round are waited for
LOOPBACK = ("127.0.0.1",)
Address = tuple[str, int]


@dataclass(slots=True)
class LoadResult:
    """Seconds of the round, seconds of each response, and counts of each status.

    `failed` counts requests whose connection broke or whose response did not come.
    `bodies` are kept by `send_at_once` only.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        """Responses with status 200 a second."""
        return self.statuses.get(200, 0) / self.seconds

    def add(self, other: Self) -> None:
        """Add another round of the same load."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.failed += other.failed
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count

    def quantile(self, share: float) -> float:
        """Return the milliseconds within which this share of the responses arrived."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(slots=True)
class _Connection:
    """One connection, and the response that it waits for or got last."""

    socket: socket.socket
    due_at: float = 0.0
    received: bytes = b""

    def receive(self) -> int | None:
        """Read more of the response; return its status once it is complete.

        Raises OSError if the connection broke.
        """
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("the service closed a connection")
        self.received += part
        end = self.received.find(HEAD_END)
        if end < 0:
            return None
        length = LENGTH.search(self.received, 0, end + 2)
        if length and len(self.received) - end - len(HEAD_END) < int(length[1]):
            return None
        return int(self.received[9:12])


class _Pool:
    """Connections that are idle, the number of those that wait, and what came back."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector = selector
        self.idle: deque[_Connection] = deque()
        self.opened: list[_Connection] = []
        self.waiting = 0
        self.result = LoadResult()
        self.started_at = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.result.seconds = time.perf_counter() - self.started_at
        self.result.failed += self.waiting
        self.selector.close()
        for connection in self.opened:
            connection.socket.close()

    def connect(
        self, address: Address, count: int, sources: Sequence[str] = LOOPBACK
    ) -> None:
        """Open connections from the source addresses in turn; start the clock."""
        for number in range(count):
            source = (sources[number % len(sources)], 0)
            opened = socket.create_connection(address, source_address=source)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(opened)
            self.opened.append(connection)
            self.selector.register(opened, selectors.EVENT_READ, connection)
        self.idle.extend(self.opened)
        self.started_at = time.perf_counter()

    def send(self, request: bytes, due_at: float) -> None:
        """Send a request on an idle connection; its time counts from `due_at`."""
        connection = self.idle.popleft()
        connection.due_at, connection.received = due_at, b""
        try:
            connection.socket.sendall(request)
        except OSError:
            self._drop(connection)
        else:
            self.waiting += 1

    def receive(self, timeout: float) -> bool:
        """Count the responses that are complete; return False if nothing came."""
        events = self.selector.select(timeout)
        for key, _ in events:
            connection: _Connection = key.data
            try:
                status = connection.receive()
            except OSError:
                self.waiting -= 1
                self._drop(connection)
                continue
            if status is not None:
                self._count(connection, status)
        return bool(events)

    def take_bodies(self) -> None:
        """Keep the bodies of the complete responses and close their connections."""
        while self.idle:
            connection = self.idle.popleft()
            self.result.bodies.append(connection.received.partition(HEAD_END)[2])
            self._close(connection)

    def _count(self, connection: _Connection, status: int) -> None:
        result = self.result
        result.latencies.append(time.perf_counter() - connection.due_at)
        result.statuses[status] = result.statuses.get(status, 0) + 1
        self.waiting -= 1
        self.idle.append(connection)

    def _drop(self, connection: _Connection) -> None:
        self.result.failed += 1
        self._close(connection)

    def _close(self, connection: _Connection) -> None:
        self.selector.unregister(connection.socket)
        connection.socket.close()


def run_closed_loop(
    address: Address, requests: Iterator[bytes], *, connections: int, seconds: float
) -> LoadResult:
    """Send requests for some seconds; each connection sends when it has its answer."""
    with _Pool(selectors.DefaultSelector()) as pool:
        pool.connect(address, connections)
        while True:
            if time.perf_counter() - pool.started_at < seconds:
                while pool.idle:
                    pool.send(next(requests), time.perf_counter())
            if not pool.waiting or not pool.receive(ANSWER_SECONDS):
                break
    return pool.result


def run_open_loop(
    address: Address,
    requests: Iterator[bytes],
    *,
    rate: float,
    connections: int,
    seconds: float,
) -> LoadResult:
    """Send requests at a fixed rate, whether or not earlier ones were answered.

    A request is timed from when it was due, also if no connection was free then.
    """
    # select(2) waits for microseconds, epoll for whole milliseconds.
    with _Pool(selectors.SelectSelector()) as pool:
        pool.connect(address, connections)
        dues = deque(pool.started_at + n / rate for n in range(int(rate * seconds)))
        while dues or pool.waiting:
            while dues and pool.idle and dues[0] <= time.perf_counter():
                pool.send(next(requests), dues.popleft())
            timeout = ANSWER_SECONDS
            if dues and pool.idle:
                timeout = max(0.0, dues[0] - time.perf_counter())
            if not pool.receive(timeout) and timeout == ANSWER_SECONDS:
                break
        pool.result.failed += len(dues)
    return pool.result


def send_at_once(
    address: Address, request: bytes, *, count: int, sources: Sequence[str] = LOOPBACK
) -> LoadResult:
    """Send one request over many connections at the same moment; keep the bodies.

    Each connection is closed once it has its response, as those of many clients are.
    `sources` are the loopback addresses that the connections come from in turn. Raises
    OSError if the service takes no more connections.
    """
    with _Pool(selectors.DefaultSelector()) as pool:
        pool.connect(address, count, sources)
        while pool.idle:
            pool.send(request, time.perf_counter())
        while pool.waiting and pool.receive(ANSWER_SECONDS):
            pool.take_bodies()
    return pool.result

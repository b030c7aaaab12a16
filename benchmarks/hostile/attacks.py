"""Clients that hold connections and never use them as they should."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event

# So many that a limit on the connections of one address is not what is measured.
SOURCES = tuple(f"127.0.1.{number}" for number in range(1, 101))
OPENING_SECONDS = 10.0
READY_SECONDS = 120.0
TURN_SECONDS = 1.0
PIPELINED = 20
POST = (
    b"POST /api/v2/optimizations/best-variant HTTP/1.1\r\nHost: hostile\r\n"
    b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"
)
GET = b"GET /openapi.json HTTP/1.1\r\nHost: hostile\r\n\r\n"


class NoConnectionsError(Exception):
    """The connections of an attack were not open within READY_SECONDS."""


def _send_one_byte(connection: socket.socket) -> None:
    connection.send(b" ")


def _check_open(connection: socket.socket) -> None:
    """Raise ConnectionError if the service has closed the connection."""
    if not connection.recv(4096):
        raise ConnectionResetError


def _half_close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    _check_open(connection)


def _read_nothing(connection: socket.socket) -> None:
    connection.send(b"\r\n")


@dataclass(frozen=True, slots=True)
class Attack:
    """What each of `count` connections sends first, and does once a second after that.

    `repeat` raises OSError where the connection was closed; BlockingIOError is no error.
    A closed connection is opened again if `opens_again`. `receive_bytes` is the size of
    the client's own buffer, 0 for the system's.
    """

    name: str
    count: int
    first_bytes: bytes
    repeat: Callable[[socket.socket], None]
    receive_bytes: int = 0
    opens_again: bool = True


ATTACKS = (
    Attack("1,000 slow bodies", 1_000, POST, _send_one_byte),
    Attack("10,000 idle", 10_000, b"", _check_open, opens_again=False),
    Attack("10,000 idle, opened again", 10_000, b"", _check_open),
    Attack("200 slow readers", 200, GET * PIPELINED, _read_nothing, 4096),
    Attack("1,000 half-closed", 1_000, POST, _half_close),
)


@dataclass(slots=True)
class _Attacker:
    """The connections of an attack, in a process of their own.

    They come and act one after the other, evenly over the time: the clients of a wave
    would take the processor from the service, which is not what is measured.
    """

    attack: Attack
    port: int
    connections: list[socket.socket] = field(default_factory=list)

    def run(self, is_open: Event) -> None:
        """Open the connections, tell so, and keep them up until this process is killed."""
        for number in self._pace(OPENING_SECONDS):
            self.connections.append(self._open(number))
        is_open.set()
        while True:
            for number in self._pace(TURN_SECONDS):
                try:
                    self.attack.repeat(self.connections[number])
                except BlockingIOError:
                    continue
                except OSError:
                    self.connections[number].close()
                    if self.attack.opens_again:
                        self.connections[number] = self._open(number)

    def _pace(self, seconds: float) -> Iterator[int]:
        """Return the number of each connection, spread over some seconds."""
        started_at = time.monotonic()
        for number in range(self.attack.count):
            due_at = started_at + seconds * number / self.attack.count
            time.sleep(max(0.0, due_at - time.monotonic()))
            yield number

    def _open(self, number: int) -> socket.socket:
        opened = socket.socket()
        if self.attack.receive_bytes:
            opened.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, self.attack.receive_bytes
            )
        opened.bind((SOURCES[number % len(SOURCES)], 0))
        with suppress(OSError):  # a refused connection is tried again in the next turn
            opened.connect(("127.0.0.1", self.port))
            opened.settimeout(0)
            opened.send(self.attack.first_bytes)
        opened.settimeout(0)
        return opened


@contextmanager
def run_attack(attack: Attack, port: int) -> Iterator[None]:
    """Attack a port of loopback until the block ends; all connections are open in it.

    Raises NoConnectionsError.
    """
    context = multiprocessing.get_context("spawn")
    is_open = context.Event()
    attacker = _Attacker(attack, port)
    process = context.Process(target=attacker.run, args=(is_open,), daemon=True)
    process.start()
    try:
        if not is_open.wait(READY_SECONDS):
            raise NoConnectionsError(attack.name)
        yield
    finally:
        process.kill()
        process.join()

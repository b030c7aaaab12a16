"""Ask a web server for its health without waiting: the supervisor must never block."""

import socket
from typing import Any

REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
INTERVAL_SECONDS = 3.0
TIMEOUT_SECONDS = 5.0
MAX_MISSES = 4
# Until its first answer a server may take this long to start.
START_SECONDS = 120.0


class WebProbe:
    """Count the requests in a row that a server leaves without any answer.

    Any byte counts as an answer, and so does a closed connection: a server that is busy,
    or whose stores are away, is not helped by a restart.
    """

    def __init__(self, host: str, port: int, now: float) -> None:
        address_info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._family: socket.AddressFamily = address_info[0][0]
        self._address: Any = address_info[0][4]
        self._socket: socket.socket | None = None
        self._is_sent = False
        self._misses = 0
        self._next_at = now + INTERVAL_SECONDS
        self._counts_from = now + START_SECONDS
        self._deadline = 0.0

    def is_deaf(self, now: float) -> bool:
        """Go on asking; return whether the last requests were left unanswered.

        `now` is a time in seconds that only grows.
        """
        if self._socket is None:
            if now >= self._next_at:
                self._connect(now)
        elif self._has_answer(self._socket, now):
            self._counts_from = now
            self._finish(now, misses=0)
        elif now >= self._deadline:
            is_counted = now >= self._counts_from
            self._finish(now, misses=self._misses + is_counted)
        return self._misses >= MAX_MISSES

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self, now: float) -> None:
        self._socket = socket.socket(self._family, socket.SOCK_STREAM)
        self._socket.settimeout(0)
        self._socket.connect_ex(self._address)
        self._is_sent = False
        self._deadline = now + TIMEOUT_SECONDS

    def _finish(self, now: float, misses: int) -> None:
        self.close()
        self._misses = misses
        self._next_at = now + INTERVAL_SECONDS

    def _has_answer(self, connection: socket.socket, now: float) -> bool:
        try:
            if not self._is_sent:
                connection.send(REQUEST)
                self._is_sent = True
                # A supervisor that was itself held up may send late.
                self._deadline = now + TIMEOUT_SECONDS
            connection.recv(1)
        except ConnectionResetError:
            return True
        except OSError:  # not connected, refused, or nothing to read yet
            return False
        return True

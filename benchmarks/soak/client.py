"""A client of one thread: it repeats a request until it is acknowledged."""

import http.client
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from benchmarks.soak.journal import RETRYABLE, Journal

TIMEOUT_SECONDS = 35.0
PATIENCE_SECONDS = 120.0
RETRY_SECONDS = 0.02
# A server may close a connection that was idle for a while.
IDLE_SECONDS = 1.0


class NotAcknowledgedError(Exception):
    """A request got no acknowledgement in PATIENCE_SECONDS, or was refused for good."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, and when its request was sent and it was received (epoch seconds)."""

    sent_at: float
    received_at: float
    status: int
    body: Any


@dataclass(slots=True)
class Client:
    """One connection to the API of a service, renewed when it breaks."""

    port: int
    journal: Journal
    connection: http.client.HTTPConnection | None = None
    used_at: float = field(default=0.0)

    def send_until_acknowledged(
        self, method: str, path: str, body: Any = None, token: str = ""
    ) -> Reply:
        """Repeat a request until the answer is a success. Raises NotAcknowledgedError.

        `path` begins after `/api/v2`.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            reply = self.send(method, path, body, token)
            if reply is not None and reply.status < 300:
                return reply
            if reply is not None and reply.status not in RETRYABLE:
                raise NotAcknowledgedError(f"{reply.status} for {method} {path}")
            time.sleep(RETRY_SECONDS)
        raise NotAcknowledgedError(f"no success of {method} {path} in time")

    def send(self, method: str, path: str, body: Any, token: str) -> Reply | None:
        """Send a request once; return None if the connection broke."""
        connection = self._connect()
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else orjson.dumps(body)
        sent_at = time.time()
        try:
            connection.request(method, f"/api/v2{path}", content, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.journal.broken_at.append(time.time())
            self.close()
            return None
        self.used_at = time.time()
        self.journal.note_status(response.status, f"{method} {path}", text)
        return Reply(sent_at, self.used_at, response.status, _parse(text))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if time.time() - self.used_at > IDLE_SECONDS:
            self.close()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=TIMEOUT_SECONDS
            )
        return self.connection


def _parse(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None

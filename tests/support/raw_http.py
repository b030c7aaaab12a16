"""HTTP as hostile or clumsy clients speak it: raw sockets, byte by byte."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 60
SERVE_PATH = "/api/v2/optimizations/best-variant"
GET_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A parsed response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def read_error(self) -> str:
        """Return the code of the error, after checking the shape of the body."""
        document: dict[str, Any] = json.loads(self.body)
        assert set(document) == {"error", "meta"}
        assert document["meta"]["request_id"] == self.headers["x-request-id"]
        assert document["error"]["message"]
        return str(document["error"]["code"])


def connect(port: int, source: str = "127.0.0.1") -> socket.socket:
    """Open a connection from an address of this machine."""
    return socket.create_connection(
        ("127.0.0.1", port), TIMEOUT_SECONDS, source_address=(source, 0)
    )


@contextmanager
def connect_many(
    port: int, count: int, first_bytes: bytes, sources: tuple[str, ...] = ("127.0.0.1",)
) -> Iterator[list[socket.socket]]:
    """Hold many connections, each of which has sent the same bytes."""
    with ExitStack() as stack:
        connections = []
        for number in range(count):
            connection = connect(port, sources[number % len(sources)])
            connections.append(stack.enter_context(connection))
            connection.sendall(first_bytes)
        yield connections


def build_post(length: int, body: bytes = b"", *headers: str) -> bytes:
    """Return a serve request that announces a length, and the beginning of its body."""
    lines = [
        *(f"POST {SERVE_PATH} HTTP/1.1", "Host: test"),
        *("Content-Type: application/json", f"Content-Length: {length}"),
    ]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the server closes or resets the connection."""
    chunks = []
    try:
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)


def read_response(connection: socket.socket) -> RawResponse:
    """Read one response and leave the connection open."""
    with connection.makefile("rb") as file:
        return _parse_response(file)


def read_responses(connection: socket.socket) -> list[RawResponse]:
    """Read responses until the server closes the connection."""
    responses = []
    with connection.makefile("rb") as file:
        while file.peek(1):
            responses.append(_parse_response(file))
    return responses


def _parse_response(file: Any) -> RawResponse:
    status = int(file.readline().split()[1])
    headers: dict[str, str] = {}
    while (line := file.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if status == 100:
        return _parse_response(file)
    return RawResponse(status, headers, file.read(int(headers["content-length"])))

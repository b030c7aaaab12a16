"""One connection of the protocol that answers directly, before a small application."""

import asyncio
import re
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from levered_site.web.asgi_types import AsgiApplication, Receive, Scope, Send
from levered_site.web.connections import ConnectionTable
from levered_site.web.direct import (
    BodyAnswer,
    DirectResponse,
    HeadReader,
    build_direct_class,
)
from levered_site.web.protocol import ProtocolLimits, WebProtocol

Conversation = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter], Awaitable[list[bytes]]
]


def respond(body: bytes) -> DirectResponse:
    """Return a direct response."""
    return DirectResponse(200, b"content-length: %d\r\n\r\n%s" % (len(body), body))


async def _respond_later(body: bytes) -> DirectResponse:
    await asyncio.sleep(0.05)
    return respond(body)


def read_head(scope: Scope) -> BodyAnswer | None:
    """Answer `/now` at once, `/later` a little later; None for other paths."""
    if scope["path"] == "/now":
        return lambda body: respond(b"now " + body)
    if scope["path"] == "/later":
        return lambda body: _respond_later(b"later " + body)
    return None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the body."""
    body, is_complete = b"", False
    while not is_complete:
        message = await receive()
        body += message.get("body", b"")
        is_complete = not message.get("more_body")
    content = f"app {scope['path']} ".encode() + body
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def build_request(
    path: str, body: str = "", version: str = "1.1", *lines: str
) -> bytes:
    """Return the bytes of a POST with these further lines in its head."""
    head = [
        f"POST {path} HTTP/{version}",
        "Host: test",
        f"Content-Length: {len(body.encode())}",
        *lines,
    ]
    return "\r\n".join([*head, "", body]).encode()


async def read_response(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the head and the body of a response."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    return head, await reader.readexactly(int(length[1]))


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """Return the body of a response of status 200."""
    head, body = await read_response(reader)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return body


async def converse(
    talk: Conversation,
    connections: list[weakref.ref[Any]] | None = None,
    *,
    read: HeadReader = read_head,
    inner: AsgiApplication = application,
    protocol_base: type[WebProtocol] | None = None,
) -> list[bytes]:
    """Serve one connection and return what the client read.

    `connections` gets references to the service's side of the connection.
    `protocol_base` is mixed in before the protocol.
    """
    limits = ProtocolLimits(head_seconds=10, write_seconds=10)
    protocol = build_direct_class(ConnectionTable(10, None), limits, read)
    if protocol_base is not None:
        protocol = type("MixedProtocol", (protocol_base, protocol), {})
    config = uvicorn.Config(
        inner, http=protocol, lifespan="off", ws="none", access_log=False
    )
    config.load()
    state = ServerState()

    def connect() -> WebProtocol:
        connection = protocol(config, state, {})
        if connections is not None:
            connections.append(weakref.ref(connection))
        return connection

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await asyncio.wait_for(talk(reader, writer), 30)
    finally:
        writer.close()
        server.close()

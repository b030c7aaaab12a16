"""A client of the WSGI bridge without a server, and applications behind it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from levered_site.web.asgi_types import Headers, Message, Scope
from levered_site.web.bodies import BodyMemory
from levered_site.web.bridge import LargeBodies, WsgiBridge
from levered_site.web.large_body_gate import LargeBodyGate
from levered_site.web.threads import ThreadStack
from levered_site.web.wsgi_call import WsgiApplication

MB = 1024 * 1024


@dataclass
class Client:
    """Sends one request and keeps the messages that answer it."""

    chunks: list[bytes]
    headers: Headers = field(default_factory=list)
    method: str = "POST"
    path: bytes = b"/a%20b"
    sent: list[Message] = field(default_factory=list)
    leaves: bool = False

    def build_scope(self) -> Scope:
        length = sum(map(len, self.chunks)) + (5 if self.leaves else 0)
        headers = [(b"host", b"shop.example"), *self.headers]
        if length:
            headers.append((b"content-length", str(length).encode()))
        return {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": self.method,
            "path": "/a b",
            "raw_path": self.path,
            "query_string": b"q=1",
            "headers": headers,
            "client": ("10.0.0.7", 4711),
            "server": ("127.0.0.1", 3100),
        }

    async def receive(self) -> Message:
        if not self.chunks:
            assert self.leaves, "read behind the end"
            return {"type": "http.disconnect"}
        chunk = self.chunks.pop(0)
        more = bool(self.chunks) or self.leaves
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    def get_header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.sent[0]["headers"] if key == name]

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def send(
    client: Client,
    application: WsgiApplication,
    *,
    limit: int = 5 * MB,
    memory: int = MB,
    threads: int = 2,
    threadless_paths: frozenset[str] = frozenset(),
) -> None:
    """Pass the request of a client through a bridge."""

    async def run() -> None:
        bridge = WsgiBridge(
            application,
            ThreadStack(threads, 1.0, 10),
            LargeBodies(BodyMemory(memory, memory), LargeBodyGate(8 * MB, 1.0)),
            lambda _scope: limit,
            30.0,
            threadless_paths,
        )
        await bridge(client.build_scope(), client.receive, client.send)

    asyncio.run(run())


def send_all(
    clients: list[Client], application: WsgiApplication, gate: LargeBodyGate
) -> None:
    """Pass the requests of several clients through one bridge, side by side."""

    async def run() -> None:
        bridge = WsgiBridge(
            application,
            ThreadStack(len(clients), 1.0, 10),
            LargeBodies(BodyMemory(64 * MB, 64 * MB), gate),
            lambda _scope: 5 * MB,
            30.0,
        )
        await asyncio.gather(
            *(bridge(each.build_scope(), each.receive, each.send) for each in clients)
        )

    asyncio.run(run())


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Return the body in a response without a length."""
    body: bytes = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Odd", "é")])
    return [body]


def keep_environ(kept: dict[str, Any]) -> WsgiApplication:
    """Return an application that keeps the environ it gets."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        kept.update(environ)
        start_response("204 No Content", [("Content-Length", "0")])
        return []

    return application

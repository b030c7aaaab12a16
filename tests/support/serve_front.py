"""The ASGI front in the loop of this process, called without sockets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from levered_site.web.asgi_types import Message, Receive, Scope, Send
from optimizations.serving import event_loop
from optimizations.serving.snapshot_poller import poller
from optimizations.views.serve_front import ServeFront


@dataclass
class FrontResponse:
    """What the front sent; header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Front:
    """The front before an inner application that keeps what was passed to it."""

    passed_bodies: list[bytes] = field(default_factory=list)
    observed: list[tuple[str, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.application = ServeFront(self._keep_body, self._keep_observation)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        chunks: int = 1,
    ) -> FrontResponse | None:
        """Send a POST; None where the front passes it on."""
        scope = _build_scope(path, body, headers or {})
        return event_loop.run_in_loop(self._call(scope, _split(body, chunks)))

    async def _call(
        self, scope: Scope, messages: list[Message]
    ) -> FrontResponse | None:
        sent: list[Message] = []

        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        if not sent:
            return None
        start, content = sent
        headers = {
            name.decode(): value.decode("latin-1") for name, value in start["headers"]
        }
        assert len(headers) == len(start["headers"])
        return FrontResponse(start["status"], headers, content["body"])

    async def _keep_body(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        body, is_complete = b"", False
        while not is_complete:
            message = await receive()
            body += message["body"]
            is_complete = not message.get("more_body")
        self.passed_bodies.append(body)

    def _keep_observation(self, method: str, route: str, status: int) -> None:
        self.observed.append((method, route, status))


@contextmanager
def polling() -> Iterator[None]:
    """Poll snapshots in the loop, as a web process does."""

    async def start() -> None:
        poller.start()

    event_loop.run_in_loop(start())
    try:
        yield
    finally:
        event_loop.run_in_loop(poller.stop())


def _build_scope(path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    all_headers = {"content-length": str(len(body)), **headers}
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "client": ("127.0.0.1", 50_000),
        "headers": [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in all_headers.items()
        ],
    }


def _split(body: bytes, chunks: int) -> list[Message]:
    size = max(1, -(-len(body) // chunks))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    return [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]

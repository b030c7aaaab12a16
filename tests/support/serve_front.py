"""The ASGI front in the loop of this process, called without sockets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from prometheus_client import Counter

from levered_site.api import async_redis
from levered_site.observability import prometheus
from levered_site.web.asgi_types import Message, Receive, Scope, Send
from levered_site.web.direct import BodyAnswer, DirectResponse
from optimizations.models import Optimization
from optimizations.serving import event_loop
from optimizations.serving.known_users import known_users
from optimizations.serving.snapshot_poller import poller
from optimizations.views.serve_front import ServeFront
from tests.support.factories import Api
from tests.support.running_service import until

# By name, or in their order where one is sent twice.
Headers = Mapping[str, str] | Sequence[tuple[str, str]]


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
    # What the first request with a path and headers was answered by.
    answers: dict[tuple[Any, ...], BodyAnswer | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.application = ServeFront(self._keep_body, self._keep_observation)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Headers = (),
        *,
        chunks: int = 1,
        is_cut_off: bool = False,
    ) -> FrontResponse | None:
        """Send a POST; None where the front passes it on.

        A body that is cut off lacks its end: the client left.
        """
        scope = _build_scope(path, body, headers)
        messages = _split(body, chunks)
        if is_cut_off:
            messages[-1]["more_body"] = True
            messages.append({"type": "http.disconnect"})
        return event_loop.run_in_loop(self._call(scope, messages))

    def post_directly(
        self, path: str, body: bytes, headers: Headers = ()
    ) -> FrontResponse | None:
        """Send a POST as the protocol of the web server does; None if it is passed on.

        As on a kept connection, the same headers are not read again.
        """
        named = headers.items() if isinstance(headers, Mapping) else headers
        key = (path, *named)
        if key not in self.answers:
            scope = _build_scope(path, body, headers)
            self.answers[key] = self.application.read_head(scope)
        return event_loop.run_in_loop(self._call_directly(self.answers[key], body))

    async def _call_directly(
        self, answer: BodyAnswer | None, body: bytes
    ) -> FrontResponse | None:
        response = None if answer is None else answer(body)
        if response is None:
            return None
        if not isinstance(response, DirectResponse):
            response = await response
        head, _, content = response.rest.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
        named = {name.lower(): value for name, value in lines}
        return FrontResponse(response.status, named, content)

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
            body += message.get("body", b"")
            is_complete = not message.get("more_body")
        self.passed_bodies.append(body)

    def _keep_observation(self, method: str, route: str, status: int) -> Counter:
        self.observed.append((method, route, status))
        return prometheus.get_request_counter(method, route, status)


@contextmanager
def polling() -> Iterator[None]:
    """Poll snapshots in the loop, as a web process does."""

    async def start() -> None:
        poller.start()

    event_loop.run_in_loop(start())
    try:
        yield
    finally:
        event_loop.run_in_loop(poller.stop(), 30.0)


def _build_scope(path: str, body: bytes, headers: Headers) -> dict[str, Any]:
    named = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in named}
    named += [
        (name, value)
        for name, value in (
            ("content-length", str(len(body))),
            ("host", "testserver"),
        )
        if name not in names
    ]
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "client": ("127.0.0.1", 50_000),
        "headers": [
            (name.lower().encode(), value.encode("latin-1")) for name, value in named
        ],
    }


def _split(body: bytes, chunks: int) -> list[Message]:
    size = max(1, -(-len(body) // chunks))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    return [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]


def close_cache_client() -> None:
    """Close the loop's client of the cache; the next use makes another."""

    async def close() -> None:
        await async_redis.get_client().aclose()

    event_loop.run_in_loop(close())
    async_redis.get_client.cache_clear()


def warm_up(front: Front, optimization: Optimization) -> None:
    """Let this process load and poll the snapshot, which the front never does itself."""
    path = f"/optimizations/{optimization.pk}/serve"
    body = {"anonymous_id": "warm-up", "dry_run": True}
    assert Api().post(path, body).status_code < 500
    until(lambda: front.post(f"/api/v2{path}", orjson.dumps(body)) is not None, 5)
    front.observed.clear()
    front.passed_bodies.clear()


def forget_users() -> None:
    """Forget who was served, as a process that starts knows nobody."""
    known_users.reset()

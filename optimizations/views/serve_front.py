"""The ASGI front: plain serves are answered in the event loop, without Django.

It answers successes, 429 and 503. Everything else (an unknown optimization, a draft, a
broken body, a forbidden origin, …) goes to Django's view, which is the reference: both
answer the same JSON, headers and rows.
"""

import time
from collections.abc import Callable
from functools import partial

from prometheus_client import Counter

from levered_site.web.asgi_types import AsgiApplication, Receive, Scope, Send
from levered_site.web.direct import BodyAnswer, DirectResponse, Later
from optimizations.serving import metrics
from optimizations.views import asgi_request
from optimizations.views.plain_head import PlainHead, PlainHeads
from optimizations.views.plain_serve import Answer, PlainServe, PlainServes

# As Django's URL patterns, for metrics: by id, then with the id in the body.
ROUTES = (
    "api/v2/optimizations/<id:pk>/serve",
    "api/v2/optimizations/best-variant",
)
# The histogram of times is a sample under load: writing a time costs a tenth of a serve.
OBSERVATION_SECONDS = 0.01


class ServeFront:
    """Answers plain serves; passes every other request to the inner application.

    `get_counter` returns the counter of the answers to a method, a route and a status.
    """

    def __init__(
        self, inner: AsgiApplication, get_counter: Callable[[str, str, int], Counter]
    ) -> None:
        self._inner = inner
        self._get_counter = get_counter
        self._serves = PlainServes()
        self._heads = PlainHeads()
        self._observed_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request by ASGI messages."""
        path = asgi_request.match_path(scope)
        if path is None:
            await self._inner(scope, receive, send)
            return
        messages, body = await asgi_request.receive_body(scope, receive)
        started_at = time.perf_counter()
        serve = None
        if body is not None:
            serve = self._serves.read(self._heads.read(scope, path[1]), body)
        if serve is None:
            await self._inner(scope, asgi_request.replay(messages, receive), send)
            return
        answer = self._serves.answer_now(serve) or await self._serves.answer(serve)
        headers = [*_list_headers(answer), *serve.head.fixed.headers]
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": answer.body})
        self._observe(serve.head, answer, started_at)

    async def drain_counts(self) -> None:
        """Send the counts of requests that did not wait for them."""
        await self._serves.drain_counts()

    def read_head(self, scope: Scope) -> BodyAnswer | None:
        """Read a head; return what answers bodies, None for the inner application."""
        path = asgi_request.match_path(scope)
        if path is None:
            return None
        return partial(self._answer_directly, self._heads.read(scope, path[1]))

    def _answer_directly(
        self, head: PlainHead, body: bytes
    ) -> DirectResponse | Later | None:
        """Answer one request as the protocol writes it; None for the inner application."""
        started_at = time.perf_counter()
        serve = self._serves.read(head, body)
        if serve is None:
            return None
        answer = self._serves.answer_now(serve)
        if answer is None:
            return self._answer_later(serve, started_at)
        self._observe(head, answer, started_at)
        return self._format_response(answer, head)

    async def _answer_later(
        self, serve: PlainServe, started_at: float
    ) -> DirectResponse:
        answer = await self._serves.answer(serve)
        self._observe(serve.head, answer, started_at)
        return self._format_response(answer, serve.head)

    def _format_response(self, answer: Answer, head: PlainHead) -> DirectResponse:
        lines = "".join(
            f"{name}: {value}\r\n" for name, value in answer.headers.items()
        )
        rest = b"%scontent-length: %d\r\nx-request-id: %s\r\n%s\r\n%s" % (
            head.fixed.lines,
            len(answer.body),
            answer.request_id.encode(),
            lines.encode(),
            answer.body,
        )
        return DirectResponse(answer.status, rest)

    def _observe(self, head: PlainHead, answer: Answer, started_at: float) -> None:
        now = time.perf_counter()
        if now - self._observed_at >= OBSERVATION_SECONDS:
            self._observed_at = now
            metrics.observe_serve(now - started_at)
        route = ROUTES[head.optimization_id is None]
        metrics.count_later(self._get_counter("POST", route, answer.status))


def _list_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", answer.request_id.encode()),
        *(
            (name.lower().encode(), value.encode())
            for name, value in answer.headers.items()
        ),
    ]

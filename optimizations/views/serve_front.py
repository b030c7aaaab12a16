"""The ASGI front: plain serves are answered in the event loop, without Django.

It answers successes, 429 and 503. Everything else (an unknown optimization, a draft, a
broken body, a forbidden origin, …) goes to Django's view, which is the reference: both
answer the same JSON, headers and rows.
"""

import functools
import time
from collections.abc import Callable

from levered_site.api import cors, response_headers
from levered_site.web.asgi_types import AsgiApplication, Receive, Scope, Send
from levered_site.web.direct import DirectResponse, Later
from optimizations.serving import metrics
from optimizations.views import asgi_request
from optimizations.views.plain_serve import Answer, PlainServe, PlainServes

# As Django's URL patterns, for metrics: by id, then with the id in the body.
ROUTES = (
    "api/v2/optimizations/<id:pk>/serve",
    "api/v2/optimizations/best-variant",
)


class ServeFront:
    """Answers plain serves; passes every other request to the inner application.

    `count_request` gets the method, the route and the status of each answer.
    """

    def __init__(
        self, inner: AsgiApplication, count_request: Callable[[str, str, int], None]
    ) -> None:
        self._inner = inner
        self._count_request = count_request
        self._serves = PlainServes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request by ASGI messages."""
        path = asgi_request.match_path(scope)
        if path is None:
            await self._inner(scope, receive, send)
            return
        messages, body = await asgi_request.receive_body(scope, receive)
        started_at = time.perf_counter()
        serve = None if body is None else self._serves.read(scope, path[1], body)
        if serve is None:
            await self._inner(scope, asgi_request.replay(messages, receive), send)
            return
        answer = self._serves.answer_now(serve) or await self._serves.answer(serve)
        headers = [*_list_headers(answer), *_list_fixed_headers(serve)]
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": answer.body})
        self._observe(path[1], answer, started_at)

    def answer_directly(
        self, scope: Scope, body: bytes
    ) -> DirectResponse | Later | None:
        """Answer one request as the protocol writes it; None for the inner application."""
        path = asgi_request.match_path(scope)
        if path is None:
            return None
        started_at = time.perf_counter()
        serve = self._serves.read(scope, path[1], body)
        if serve is None:
            return None
        answer = self._serves.answer_now(serve)
        if answer is None:
            return self._answer_later(serve, path[1], started_at)
        self._observe(path[1], answer, started_at)
        return _format_response(answer, serve)

    async def _answer_later(
        self, serve: PlainServe, optimization_id: str | None, started_at: float
    ) -> DirectResponse:
        answer = await self._serves.answer(serve)
        self._observe(optimization_id, answer, started_at)
        return _format_response(answer, serve)

    def _observe(
        self, optimization_id: str | None, answer: Answer, started_at: float
    ) -> None:
        seconds = time.perf_counter() - started_at
        metrics.observe_serve(seconds)
        self._count_request("POST", ROUTES[optimization_id is None], answer.status)


def _list_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", answer.request_id.encode()),
        *(
            (name.lower().encode(), value.encode())
            for name, value in answer.headers.items()
        ),
    ]


def _list_fixed_headers(serve: PlainServe) -> list[tuple[bytes, bytes]]:
    return _encode_headers(*_find_fixed_headers(serve))


def _format_response(answer: Answer, serve: PlainServe) -> DirectResponse:
    rest = b"%scontent-length: %d\r\nx-request-id: %s\r\n%s\r\n%s" % (
        _format_fixed_headers(*_find_fixed_headers(serve)),
        len(answer.body),
        answer.request_id.encode(),
        "".join(
            f"{name}: {value}\r\n" for name, value in answer.headers.items()
        ).encode()
        if answer.headers
        else b"",
        answer.body,
    )
    return DirectResponse(answer.status, rest)


def _find_fixed_headers(serve: PlainServe) -> tuple[cors.Headers, cors.Headers]:
    return (
        cors.build_public_cors_headers(serve.request.origin),
        response_headers.build_security_headers(is_secure=serve.is_secure),
    )


@functools.lru_cache(maxsize=1024)
def _encode_headers(*groups: cors.Headers) -> list[tuple[bytes, bytes]]:
    content_type = (b"content-type", b"application/json")
    return [content_type] + [
        (name.lower().encode(), value.encode("latin-1"))
        for group in groups
        for name, value in group
    ]


@functools.lru_cache(maxsize=1024)
def _format_fixed_headers(*groups: cors.Headers) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in _encode_headers(*groups))

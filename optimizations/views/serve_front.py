"""The ASGI front: plain serves are answered in the event loop, without Django.

It answers successes, 429 and 503. Everything else (an unknown optimization, a draft, a
broken body, another origin, …) goes to Django's view, which is the reference: both answer
the same JSON, headers and rows.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils import timezone

from levered_site.api import (
    body_limits,
    cors,
    rate_limits,
    requests,
    response_headers,
    responses,
)
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.errors import INTERNAL_ERROR_MESSAGE, LeveredError
from levered_site.web.asgi_types import AsgiApplication, Message, Receive, Scope, Send
from optimizations.factors import Context
from optimizations.serving import assigning, decision, new_user_cap
from optimizations.serving.assigning import Visit
from optimizations.serving.service import ServeRequest
from optimizations.serving.snapshot_poller import poller
from optimizations.views.serve_json import PreparedSnapshot, prepare_snapshot
from optimizations.views.serve_request import read_serve_request

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]

SERVE_PATH = re.compile(
    r"/api/v2/optimizations/(?:best-variant"
    r"|([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/serve)"
)
# Requests with one of these headers are Django's.
OTHER_HEADERS = frozenset({b"transfer-encoding", b"content-encoding"})
LARGEST_BODY = 16 * body_limits.KB
# A body that takes longer is read by the bridge, which ends the wait.
BODY_SECONDS = 1.0
MAX_PREPARED_SNAPSHOTS = 5_000


@dataclass(frozen=True, slots=True)
class _PlainServe:
    """A serve request that the front answers itself."""

    prepared: PreparedSnapshot
    request: ServeRequest
    context: Context
    network: str
    is_secure: bool


class ServeFront:
    """Answers plain serves; passes every other request to the inner application."""

    def __init__(self, inner: AsgiApplication) -> None:
        self._inner = inner
        self._counter = GroupedCounter()
        self._prepared: dict[str, PreparedSnapshot] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = _match_path(scope)
        if path is None:
            return await self._inner(scope, receive, send)
        headers = dict(scope["headers"])
        if not _has_plain_body(headers):
            return await self._inner(scope, receive, send)
        messages, body = await _receive_body(receive)
        serve = None
        if body is not None:
            serve = self._read_serve(scope, path[1], headers, body)
        if serve is None:
            return await self._inner(scope, _replay(messages, receive), send)
        return await self._answer(serve, send)

    def _read_serve(
        self,
        scope: Scope,
        optimization_id: str | None,
        headers: Mapping[bytes, bytes],
        body: bytes,
    ) -> _PlainServe | None:
        """Return the request if the answer will be plain; None if it is Django's."""
        origin = headers.get(b"origin")
        try:
            request = read_serve_request(
                body,
                optimization_id.lower() if optimization_id else None,
                origin.decode("latin-1") if origin is not None else None,
            )
            prepared = self._find_prepared(request.optimization_id)
            if prepared is None:
                return None
            decision.check_serve_allowed(prepared.snapshot, request.origin)
            context = prepared.resolve_context(request)
        except LeveredError:
            return None
        return _PlainServe(
            prepared,
            request,
            context,
            network=_find_network(scope, headers),
            is_secure=_is_secure(scope, headers),
        )

    def _find_prepared(self, optimization_id: str) -> PreparedSnapshot | None:
        snapshot = poller.find(optimization_id)
        if snapshot is None:
            return None
        prepared = self._prepared.get(optimization_id)
        if prepared is None or prepared.snapshot is not snapshot:
            if len(self._prepared) >= MAX_PREPARED_SNAPSHOTS:
                self._prepared.clear()
            prepared = self._prepared[optimization_id] = prepare_snapshot(snapshot)
        return prepared

    async def _answer(self, serve: _PlainServe, send: Send) -> None:
        request_id = requests.assign_request_id()
        usage = await self._counter.count_request(
            "serve", settings.RATELIMIT_SERVE, serve.network
        )
        status, headers = 200, {} if usage is None else usage.build_headers()
        try:
            if usage is not None:
                rate_limits.refuse_exceeded(usage)
            body = await _decide(serve, request_id)
        except LeveredError as error:
            status, body = error.status, responses.build_error_content(error)
            headers |= responses.build_error_headers(error)
        except Exception:
            log.exception("serve.failed")
            internal = LeveredError(INTERNAL_ERROR_MESSAGE)
            status, body = internal.status, responses.build_error_content(internal)
        header_list = _list_headers(serve, request_id, headers, len(body))
        await send(
            {"type": "http.response.start", "status": status, "headers": header_list}
        )
        await send({"type": "http.response.body", "body": body})


async def _decide(serve: _PlainServe, request_id: str) -> bytes:
    """Return the body of a success."""
    request, snapshot = serve.request, serve.prepared.snapshot
    decided = await assigning.decide(
        Visit(snapshot, request.anonymous_id, serve.context, timezone.now()),
        is_recorded=request.is_recorded,
        is_capped=new_user_cap.is_cap_reached_now(snapshot.optimization_id),
    )
    return serve.prepared.build_body(
        request.anonymous_id, decided, request_id, tells_history=request.is_recorded
    )


def _match_path(scope: Scope) -> re.Match[str] | None:
    """Return the match of a serve path, whose first group is the id; else None."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    return SERVE_PATH.fullmatch(scope["path"])


def _has_plain_body(headers: Mapping[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"0")
    return int(length) <= LARGEST_BODY and OTHER_HEADERS.isdisjoint(headers)


async def _receive_body(receive: Receive) -> tuple[list[Message], bytes | None]:
    """Return the messages received, and the body if it is complete."""
    messages: list[Message] = []
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while not messages or messages[-1].get("more_body"):
                messages.append(await receive())
    except TimeoutError:
        return messages, None
    if any(message["type"] != "http.request" for message in messages):
        return messages, None
    return messages, b"".join(message.get("body", b"") for message in messages)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Return a `receive` that repeats the messages before it goes on."""
    waiting = messages[::-1]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _find_network(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    client = scope["client"]
    proxies = settings.TRUSTED_PROXIES
    forwarded_for = b""
    if proxies > 0 and b"x-forwarded-for" in headers:
        forwarded_for = b",".join(
            value for name, value in scope["headers"] if name == b"x-forwarded-for"
        )
    return requests.resolve_client_network(
        client[0] if client else "", forwarded_for.decode("latin-1"), proxies
    )


def _is_secure(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return what Django's request.is_secure() would."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return bool(scope["scheme"] == "https")
    return headers.get(b"x-forwarded-proto", b"").split(b",")[0].strip() == b"https"


def _list_headers(
    serve: _PlainServe, request_id: str, more: Mapping[str, str], length: int
) -> Headers:
    named = [
        ("X-Request-Id", request_id),
        *more.items(),
        *cors.build_public_cors_headers(serve.request.origin),
        *response_headers.build_security_headers(is_secure=serve.is_secure),
    ]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % length),
    ]
    headers += [
        (name.lower().encode(), value.encode("latin-1")) for name, value in named
    ]
    return headers

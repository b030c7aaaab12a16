"""The ASGI front: plain serves are answered in the event loop, without Django.

It answers successes, 429 and 503. Everything else (an unknown optimization, a draft, a
broken body, another origin, …) goes to Django's view, which is the reference: both answer
the same JSON, headers and rows.
"""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from django.utils import timezone

from levered_site.api import (
    cors,
    rate_limits,
    requests,
    response_headers,
    responses,
)
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.errors import INTERNAL_ERROR_MESSAGE, LeveredError
from levered_site.organizations import serving_keys
from levered_site.organizations.serving_keys import ServingKey
from levered_site.web.asgi_types import AsgiApplication, Receive, Scope, Send
from optimizations.factors import Context
from optimizations.serving import assigning, decision, metrics, new_user_cap
from optimizations.serving.assigning import Visit
from optimizations.serving.service import ServeRequest
from optimizations.serving.snapshot_poller import poller
from optimizations.views import asgi_request
from optimizations.views.serve_json import PreparedSnapshot, prepare_snapshot
from optimizations.views.serve_request import (
    ServeClient,
    choose_rate_limit,
    read_serve_request,
)

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]

# As Django's URL patterns, for metrics: by id, then with the id in the body.
ROUTES = (
    "api/v2/optimizations/<id:pk>/serve",
    "api/v2/optimizations/best-variant",
)
MAX_PREPARED_SNAPSHOTS = 5_000


@dataclass(frozen=True, slots=True)
class _PlainServe:
    """A serve request that the front answers itself."""

    prepared: PreparedSnapshot
    request: ServeRequest
    context: Context
    key: ServingKey | None
    network: str
    is_secure: bool


class ServeFront:
    """Answers plain serves; passes every other request to the inner application.

    `observe_request` gets the method, the route, the status and the seconds of each
    request that it answers.
    """

    def __init__(
        self,
        inner: AsgiApplication,
        observe_request: Callable[[str, str, int, float], None],
    ) -> None:
        self._inner = inner
        self._observe_request = observe_request
        self._counter = GroupedCounter()
        self._prepared: dict[str, PreparedSnapshot] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = asgi_request.match_path(scope)
        if path is None:
            await self._inner(scope, receive, send)
            return
        messages, body = await asgi_request.receive_body(scope, receive)
        serve = None
        if body is not None:
            serve = self._read_serve(scope, path[1], body)
        if serve is None:
            await self._inner(scope, asgi_request.replay(messages, receive), send)
            return
        started_at = time.perf_counter()
        status = await self._answer(serve, send)
        seconds = time.perf_counter() - started_at
        metrics.observe_serve(seconds)
        self._observe_request("POST", ROUTES[path[1] is None], status, seconds)

    def _read_serve(
        self,
        scope: Scope,
        optimization_id: str | None,
        body: bytes,
    ) -> _PlainServe | None:
        """Return the request if the answer will be plain; None if it is Django's."""
        headers = dict(scope["headers"])
        secret = asgi_request.find_secret(headers)
        key = serving_keys.find_key_in_memory(secret) if secret else None
        if secret and key is None:
            return None
        try:
            request = read_serve_request(
                body,
                optimization_id.lower() if optimization_id else None,
                _describe_client(headers, key),
            )
            prepared = self._find_prepared(request.optimization_id)
            if prepared is None:
                return None
            decision.check_serve_allowed(
                prepared.snapshot, request.origin, request.key_organization_id
            )
            context = prepared.resolve_context(request)
        except LeveredError:
            return None
        return _PlainServe(
            prepared,
            request,
            context,
            key,
            network=asgi_request.find_network(scope, headers),
            is_secure=asgi_request.is_secure(scope, headers),
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

    async def _answer(self, serve: _PlainServe, send: Send) -> int:
        """Send the answer and return its status."""
        request_id = requests.assign_request_id()
        usage = await self._counter.count_request(
            *choose_rate_limit(serve.network, serve.key)
        )
        status, headers = 200, {} if usage is None else usage.build_headers()
        try:
            if usage is not None:
                rate_limits.refuse_exceeded(usage)
            body = await _decide(serve, request_id)
        except LeveredError as error:
            metrics.count_failure(error)
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
        return status


async def _decide(serve: _PlainServe, request_id: str) -> bytes:
    """Return the body of a success."""
    request, snapshot = serve.request, serve.prepared.snapshot
    decided = await assigning.decide(
        Visit(snapshot, request.anonymous_id, serve.context, timezone.now()),
        request.recording,
        is_capped=new_user_cap.is_cap_reached_now(snapshot.optimization_id),
    )
    return serve.prepared.build_body(
        request.anonymous_id, decided, request_id, tells_history=request.tells_history
    )


def _describe_client(
    headers: Mapping[bytes, bytes], key: ServingKey | None
) -> ServeClient:
    origin = headers.get(b"origin")
    return ServeClient(
        origin=None if origin is None else origin.decode("latin-1"),
        user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
        key_organization_id=key.organization_id if key else None,
    )


def _list_headers(
    serve: _PlainServe, request_id: str, more: Mapping[str, str], length: int
) -> Headers:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % length),
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in more.items()),
        *_encode_headers(
            cors.build_public_cors_headers(serve.request.origin)
            + response_headers.build_security_headers(is_secure=serve.is_secure)
        ),
    ]


@functools.lru_cache(maxsize=1024)
def _encode_headers(headers: tuple[tuple[str, str], ...]) -> Headers:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]

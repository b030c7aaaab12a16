"""Plain serves: the requests that need no Django, read and answered in the event loop."""

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from django.utils import timezone

from levered_site.api import rate_limits, requests, responses
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.errors import INTERNAL_ERROR_MESSAGE, LeveredError
from levered_site.organizations import serving_keys
from levered_site.organizations.serving_keys import ServingKey
from levered_site.web.asgi_types import Scope
from optimizations.serving import assigning, decision, metrics, new_user_cap
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assigning import Visit
from optimizations.serving.service import ServeRequest
from optimizations.views import asgi_request
from optimizations.views.prepared_snapshots import PreparedSnapshots
from optimizations.views.serve_json import PreparedSnapshot
from optimizations.views.serve_request import (
    ServeClient,
    choose_rate_limit,
    read_serve_request,
)

log = structlog.get_logger(__name__)


class PlainServe(NamedTuple):
    """A serve request that is answered without Django.

    `limit` is the group, the rate and the caller by which it is counted. `sent_id` is
    the request id that was sent; "" for none.
    """

    prepared: PreparedSnapshot
    request: ServeRequest
    visit: Visit
    limit: tuple[str, str, str]
    is_secure: bool
    sent_id: str


class Answer(NamedTuple):
    """A response, without the headers that every response has."""

    status: int
    request_id: str
    headers: Mapping[str, str]
    body: bytes


class PlainServes:
    """Reads and answers plain serves. All methods belong into the event loop."""

    def __init__(self) -> None:
        self._counter = GroupedCounter()
        self._prepared = PreparedSnapshots()

    def read(
        self, scope: Scope, optimization_id: str | None, body: bytes
    ) -> PlainServe | None:
        """Return the request; None if Django's view has to answer it."""
        headers: Mapping[bytes, bytes] = scope[asgi_request.HEADERS_BY_NAME]
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
            prepared = self._prepared.find(request.optimization_id)
            if prepared is None:
                return None
            visit = _build_visit(prepared, request)
        except LeveredError:
            return None
        return PlainServe(
            prepared,
            request,
            visit,
            choose_rate_limit(asgi_request.find_network(scope, headers), key),
            asgi_request.is_secure(scope, headers),
            headers.get(b"x-request-id", b"").decode("latin-1"),
        )

    def answer_now(self, serve: PlainServe) -> Answer | None:
        """Answer from memory; None where a store has to be asked."""
        if rate_limits.parse_rate(serve.limit[1]) is not None:
            return None
        decided = assigning.decide_from_memory(serve.visit, serve.request.recording)
        if decided is None:
            return None
        request_id = requests.create_request_id(serve.sent_id)
        return Answer(200, request_id, {}, _build_body(serve, decided, request_id))

    async def answer(self, serve: PlainServe) -> Answer:
        """Count the request, decide, and store what is new."""
        request_id = requests.assign_request_id(serve.sent_id)
        usage = await self._counter.count_request(*serve.limit)
        headers = {} if usage is None else usage.build_headers()
        try:
            if usage is not None:
                rate_limits.refuse_exceeded(usage)
            decided = await assigning.decide(
                serve.visit,
                serve.request.recording,
                is_capped=new_user_cap.is_cap_reached_now(
                    serve.request.optimization_id
                ),
            )
        except LeveredError as error:
            metrics.count_failure(error)
            headers |= responses.build_error_headers(error)
            content = responses.build_error_content(error)
            return Answer(error.status, request_id, headers, content)
        except Exception:
            log.exception("serve.failed")
            internal = LeveredError(INTERNAL_ERROR_MESSAGE)
            content = responses.build_error_content(internal)
            return Answer(internal.status, request_id, headers, content)
        return Answer(200, request_id, headers, _build_body(serve, decided, request_id))

    async def drain_counts(self) -> None:
        """Send the counts of requests that did not wait for them."""
        await self._counter.drain()


def _build_visit(prepared: PreparedSnapshot, request: ServeRequest) -> Visit:
    decision.check_serve_allowed(
        prepared.snapshot, request.origin, request.key_organization_id
    )
    return Visit(
        prepared.snapshot,
        request.anonymous_id,
        prepared.resolve_context(request),
        timezone.now(),
    )


def _build_body(serve: PlainServe, decided: AssignedVariant, request_id: str) -> bytes:
    return serve.prepared.build_body(
        serve.request.anonymous_id,
        decided,
        request_id,
        tells_history=serve.request.tells_history,
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

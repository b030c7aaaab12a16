"""Plain serves: the requests that need no Django, read and answered in the event loop."""

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from django.utils import timezone

from levered_site.api import rate_limits, requests, responses
from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.errors import INTERNAL_ERROR_MESSAGE, LeveredError
from optimizations.factors import Context
from optimizations.serving import assigning, metrics, new_user_cap
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assigning import Visit
from optimizations.serving.service import ServeRequest
from optimizations.views.plain_head import Limit, PlainHead
from optimizations.views.prepared_snapshots import PreparedSnapshots
from optimizations.views.serve_json import PreparedSnapshot
from optimizations.views.serve_request import LARGEST_BODY, read_serve_request

log = structlog.get_logger(__name__)


class PlainServe(NamedTuple):
    """A serve request that is answered without Django.

    `limit` is the group, the rate and the caller by which it is counted.
    """

    head: PlainHead
    limit: Limit
    prepared: PreparedSnapshot
    request: ServeRequest
    context: Context

    def build_visit(self) -> Visit:
        """Return the visit of a user who asks now."""
        return Visit(
            self.prepared.snapshot,
            self.request.anonymous_id,
            self.context,
            timezone.now(),
        )

    def decide_from_memory(self) -> AssignedVariant | None:
        """Return the decision if no store has to be asked for it; else None."""
        snapshot, recording = self.prepared.snapshot, self.request.recording
        if recording == "public_dry_run" and snapshot.status != "shipped":
            return assigning.decide_for_new_user(self.build_visit())
        return assigning.recall_assignment(
            snapshot, self.request.anonymous_id, recording
        )


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

    def read(self, head: PlainHead, body: bytes) -> PlainServe | None:
        """Return the request; None if Django's view has to answer it."""
        found = head.find_client()
        if found is None or len(body) > LARGEST_BODY:
            return None
        client, limit = found
        try:
            request = read_serve_request(body, head.optimization_id, client)
            prepared = self._prepared.find(request.optimization_id)
            if prepared is None:
                return None
            prepared.check_allowed(request)
            context = prepared.resolve_context(request)
        except LeveredError:
            return None
        return PlainServe(head, limit, prepared, request, context)

    def answer_now(self, serve: PlainServe) -> Answer | None:
        """Answer from memory; None where a store has to be asked."""
        if rate_limits.parse_rate(serve.limit[1]) is not None:
            return None
        decided = serve.decide_from_memory()
        if decided is None:
            return None
        request_id = requests.create_request_id(serve.head.sent_id)
        return Answer(200, request_id, {}, _build_body(serve, decided, request_id))

    async def answer(self, serve: PlainServe) -> Answer:
        """Count the request, decide, and store what is new."""
        request_id = requests.assign_request_id(serve.head.sent_id)
        usage = await self._counter.count_request(*serve.limit)
        headers = {} if usage is None else usage.build_headers()
        try:
            if usage is not None:
                rate_limits.refuse_exceeded(usage)
            decided = await assigning.decide(
                serve.build_visit(),
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


def _build_body(serve: PlainServe, decided: AssignedVariant, request_id: str) -> bytes:
    return serve.prepared.build_body(
        serve.request.anonymous_id,
        decided,
        request_id,
        tells_history=serve.request.tells_history,
    )

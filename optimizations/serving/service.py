"""Serve one request: load the snapshot, decide, and store the assignment."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils import timezone

from levered_site.errors import LeveredError, forget_trace
from optimizations.serving import (
    assigning,
    event_loop,
    new_user_cap,
    snapshot_cache,
    snapshot_store,
)
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assigning import Recording, Visit
from optimizations.serving.decision import check_serve_allowed, resolve_context
from optimizations.serving.snapshot import Snapshot


class ServeRequest(NamedTuple):
    """A client's request. `origin` is None where it comes from no browser.

    `key_organization_id` is the organization of the API key; None without a key.
    """

    optimization_id: str
    anonymous_id: str
    context: Mapping[str, Any]
    recording: Recording = "recorded"
    origin: str | None = None
    key_organization_id: str | None = None

    @property
    def tells_history(self) -> bool:
        """Whether the answer may say if and when the user was served before.

        Anybody may ask about any id, and a request that records nothing leaves no trace.
        """
        return self.recording == "recorded" or self.key_organization_id is not None


@dataclass(frozen=True, slots=True)
class ServeResponse:
    """The variant a user gets, and how it was decided."""

    snapshot: Snapshot
    anonymous_id: str
    decision: AssignedVariant

    def as_json(self, *, tells_history: bool) -> dict[str, Any]:
        """Return the response with the field names of the API.

        Without `tells_history` it does not say whether and when the user was served.
        """
        card = self.snapshot.card(self.decision.variant_number)
        history = {
            "sticky": self.decision.sticky,
            "timestamp": self.decision.decided_at,
        }
        return {
            "optimization_id": self.snapshot.optimization_id,
            "anonymous_id": self.anonymous_id,
            "variant": card.levels,
            "variant_number": card.number,
            "variant_key": card.key,
            "in_holdout": self.decision.in_holdout,
            "policy_version": self.decision.policy_version,
            "propensity": self.decision.propensity,
            **(history if tells_history else {}),
        }


def list_cache_keys(optimization_id: str) -> Sequence[str]:
    """Return the cache keys whose values `serve_variant` needs, in its order."""
    return snapshot_cache.build_version_key(
        optimization_id
    ), new_user_cap.build_cache_key(optimization_id)


def serve_variant(
    request: ServeRequest, cached_values: Sequence[bytes | None]
) -> ServeResponse:
    """Decide for a user, or repeat the variant assigned before.

    `cached_values` are the cache's values of `list_cache_keys`, None where absent. Call
    it from a thread: what must be stored is stored in the loop of serving.

    Raises NotFoundError, ConflictError, ForbiddenError, InvalidParametersError,
    RateLimitedError (too many new users this minute), UnavailableError (the decision
    could not be stored).
    """
    return event_loop.run_in_loop(_prepare_serve(request, cached_values))


def serve_variants(
    requests: Sequence[ServeRequest], cached_values: Sequence[bytes | None]
) -> list[ServeResponse | LeveredError]:
    """Decide for several optimizations at once; what is new is stored in one commit.

    `cached_values` are those of `list_cache_keys` of every request, one after another.
    Returns the response, or what `serve_variant` would raise, for each request.
    """
    serves: list[Coroutine[Any, Any, ServeResponse] | LeveredError] = []
    for index, request in enumerate(requests):
        try:
            values = cached_values[2 * index : 2 * index + 2]
            serves.append(_prepare_serve(request, values))
        except LeveredError as error:
            serves.append(forget_trace(error))
    return event_loop.run_in_loop(_gather_serves(serves))


def _prepare_serve(
    request: ServeRequest, cached_values: Sequence[bytes | None]
) -> Coroutine[Any, Any, ServeResponse]:
    """Load and check what may wait for a store, and return the rest for the loop."""
    newest_version, new_users_this_minute = cached_values
    snapshot = snapshot_store.load_snapshot(request.optimization_id, newest_version)
    check_serve_allowed(snapshot, request.origin, request.key_organization_id)
    context = resolve_context(snapshot, request.context)
    visit = Visit(snapshot, request.anonymous_id, context, timezone.now())
    return _serve_visit(
        visit,
        request.recording,
        is_capped=new_user_cap.is_cap_reached(new_users_this_minute),
    )


async def _serve_visit(
    visit: Visit, recording: Recording, *, is_capped: bool
) -> ServeResponse:
    decision = await assigning.decide(visit, recording, is_capped=is_capped)
    return ServeResponse(visit.snapshot, visit.anonymous_id, decision)


async def _gather_serves(
    serves: Sequence[Coroutine[Any, Any, ServeResponse] | LeveredError],
) -> list[ServeResponse | LeveredError]:
    async def serve(
        coroutine: Coroutine[Any, Any, ServeResponse] | LeveredError,
    ) -> ServeResponse | LeveredError:
        if isinstance(coroutine, LeveredError):
            return coroutine
        try:
            return await coroutine
        except LeveredError as error:
            return error

    return await asyncio.gather(*map(serve, serves))

"""Serve one request: load the snapshot, decide, and store the assignment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from optimizations.factors import Context
from optimizations.serving import assignments, new_user_cap, snapshot_store
from optimizations.serving.assignments import AssignedVariant
from optimizations.serving.decision import (
    check_serve_allowed,
    decide_shipped_variant,
    decide_variant,
    draw_variant,
    resolve_context,
)
from optimizations.serving.snapshot import Proposal, Snapshot


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """A client's request. `origin` is None where it comes from no browser."""

    optimization_id: str
    anonymous_id: str
    context: Mapping[str, Any]
    dry_run: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class ServeResponse:
    """The variant a user gets, and how it was decided."""

    snapshot: Snapshot
    anonymous_id: str
    decision: AssignedVariant

    def as_json(self) -> dict[str, Any]:
        """Return the response with the field names of the API."""
        card = self.snapshot.card(self.decision.variant_number)
        return {
            "optimization_id": self.snapshot.optimization_id,
            "anonymous_id": self.anonymous_id,
            "variant": card.levels,
            "variant_number": card.number,
            "variant_key": card.key,
            "in_holdout": self.decision.in_holdout,
            "policy_version": self.decision.policy_version,
            "propensity": self.decision.propensity,
            "sticky": self.decision.sticky,
            "timestamp": self.decision.decided_at,
        }


def list_cache_keys(optimization_id: str) -> Sequence[str]:
    """Return the cache keys whose values `serve_variant` needs, in its order."""
    return snapshot_store.build_version_key(
        optimization_id
    ), new_user_cap.build_cache_key(optimization_id)


def serve_variant(
    request: ServeRequest, cached_values: Sequence[bytes | None]
) -> ServeResponse:
    """Decide for a user, or repeat the variant assigned before.

    `cached_values` are the cache's values of `list_cache_keys`, None where absent.

    Raises NotFoundError, ConflictError, ForbiddenError, InvalidParametersError,
    RateLimitedError (too many new users this minute), UnavailableError (the decision
    could not be stored).
    """
    newest_version, new_users_this_minute = cached_values
    snapshot = snapshot_store.load_snapshot(request.optimization_id, newest_version)
    check_serve_allowed(snapshot, request.origin)
    context = resolve_context(snapshot, request.context)
    now = timezone.now()
    if snapshot.status == "shipped":
        proposal = decide_shipped_variant(snapshot, request.anonymous_id, context, now)
        decision = _build_unsaved_assignment(proposal)
    elif request.dry_run:
        decision = _preview_assignment(snapshot, request.anonymous_id, context, now)
    else:
        decision = _assign_variant(
            decide_variant(snapshot, request.anonymous_id, context, now),
            is_capped=new_user_cap.is_cap_reached(new_users_this_minute),
        )
    return ServeResponse(snapshot, request.anonymous_id, decision)


def _assign_variant(proposal: Proposal, *, is_capped: bool) -> AssignedVariant:
    """Claim the proposal; redraw where the assigned variant may no longer be served."""
    snapshot = proposal.snapshot
    if is_capped:
        _refuse_new_user(proposal)
    assigned = assignments.claim_assignment(proposal)
    if assigned.variant_number in snapshot.unservable_numbers:
        assigned = assignments.claim_assignment(
            draw_variant(
                snapshot, proposal.anonymous_id, proposal.context, proposal.decided_at
            )
        )
    if not assigned.sticky:
        new_user_cap.count_new_user(snapshot.optimization_id)
    return assigned


def _preview_assignment(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> AssignedVariant:
    """Decide as a serve would, honoring the user's assignment, and write nothing."""
    assigned = assignments.find_assignment(snapshot.optimization_id, anonymous_id)
    if assigned is None:
        return _build_unsaved_assignment(
            decide_variant(snapshot, anonymous_id, context, now)
        )
    if assigned.variant_number in snapshot.unservable_numbers:
        return _build_unsaved_assignment(
            draw_variant(snapshot, anonymous_id, context, now)
        )
    return assigned


def _build_unsaved_assignment(proposal: Proposal) -> AssignedVariant:
    return AssignedVariant(
        variant_number=proposal.card.number,
        in_holdout=proposal.in_holdout,
        policy_version=proposal.snapshot.policy_version,
        propensity=proposal.propensity,
        decided_at=proposal.decided_at,
        sticky=False,
    )


def _refuse_new_user(proposal: Proposal) -> None:
    """Raise RateLimitedError unless the user has an assignment already."""
    assigned = assignments.find_assignment(
        proposal.snapshot.optimization_id, proposal.anonymous_id
    )
    if assigned is None:
        raise new_user_cap.build_cap_error()

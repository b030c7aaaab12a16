"""One serve from question to answer: snapshot, proposal, lock. For HTTP and MCP alike."""

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
    """What a client asks. `origin` is None where no browser asks."""

    optimization_id: str
    anonymous_id: str
    context: Mapping[str, Any]
    dry_run: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class ServeResponse:
    """The variant a user gets, and how it came about."""

    snapshot: Snapshot
    anonymous_id: str
    decision: AssignedVariant

    def as_json(self) -> dict[str, Any]:
        """Write the answer as the contract names its fields."""
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
    """Name what the cache should tell before `answer`, in the order it wants it."""
    return snapshot_store.build_version_key(
        optimization_id
    ), new_user_cap.build_cache_key(optimization_id)


def serve_variant(
    question: ServeRequest, known: Sequence[bytes | None]
) -> ServeResponse:
    """Answer a question; `known` are the cache's values of `keys`, None when absent.

    Raises NotFoundError, ConflictError, ForbiddenError, InvalidParametersError, RateLimitedError (too many new
    users this minute), UnavailableError (the decision could not be stored).
    """
    newest, this_minute = known
    snapshot = snapshot_store.load_snapshot(question.optimization_id, newest)
    check_serve_allowed(snapshot, question.origin)
    context = resolve_context(snapshot, question.context)
    now = timezone.now()
    if snapshot.status == "shipped":
        proposal = decide_shipped_variant(snapshot, question.anonymous_id, context, now)
        decision = _build_unsaved_assignment(proposal)
    elif question.dry_run:
        decision = _preview_assignment(snapshot, question.anonymous_id, context, now)
    else:
        decision = _assign_variant(
            decide_variant(snapshot, question.anonymous_id, context, now),
            crowded=new_user_cap.is_cap_reached(this_minute),
        )
    return ServeResponse(snapshot, question.anonymous_id, decision)


def _assign_variant(proposal: Proposal, *, crowded: bool) -> AssignedVariant:
    """Claim the proposal; a lock that may no longer be served is drawn anew."""
    snapshot = proposal.snapshot
    if crowded:
        _refuse_new_user(proposal)
    locked = assignments.claim_assignment(proposal)
    if locked.variant_number in snapshot.unservable_numbers:
        locked = assignments.claim_assignment(
            draw_variant(
                snapshot, proposal.anonymous_id, proposal.context, proposal.decided_at
            )
        )
    if not locked.sticky:
        new_user_cap.count_new_user(snapshot.optimization_id)
    return locked


def _preview_assignment(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> AssignedVariant:
    """Decide as a serve would, the user's lock included, and write nothing."""
    locked = assignments.find_assignment(snapshot.optimization_id, anonymous_id)
    if locked is None:
        return _build_unsaved_assignment(
            decide_variant(snapshot, anonymous_id, context, now)
        )
    if locked.variant_number in snapshot.unservable_numbers:
        return _build_unsaved_assignment(
            draw_variant(snapshot, anonymous_id, context, now)
        )
    return locked


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
    """Past the cap only users with a lock are answered."""
    found = assignments.find_assignment(
        proposal.snapshot.optimization_id, proposal.anonymous_id
    )
    if found is None:
        raise new_user_cap.build_cap_error()

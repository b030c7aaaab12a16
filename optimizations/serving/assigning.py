"""Decide and assign in the event loop: one path for every way that serve is called."""

from dataclasses import dataclass
from datetime import datetime

from optimizations.factors import Context
from optimizations.serving import assignments, new_user_cap
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.decision import (
    decide_shipped_variant,
    decide_variant,
    draw_variant,
)
from optimizations.serving.known_users import known_users
from optimizations.serving.snapshot import Proposal, Snapshot


@dataclass(frozen=True, slots=True)
class Visit:
    """One user who asks for a variant now. `now` is aware, in UTC."""

    snapshot: Snapshot
    anonymous_id: str
    context: Context
    now: datetime


async def decide(
    visit: Visit, *, is_recorded: bool, is_capped: bool
) -> AssignedVariant:
    """Return the variant of a user: the assigned one, or a new decision.

    With `is_recorded` a new decision is on disk when this returns. Otherwise nothing is
    written. `is_capped` says that this minute has no place for another new user.

    Raises RateLimitedError (a new user above the cap), UnavailableError (the decision
    could not be stored or looked up).
    """
    if visit.snapshot.status == "shipped":
        return _build_unsaved_assignment(
            decide_shipped_variant(
                visit.snapshot, visit.anonymous_id, visit.context, visit.now
            )
        )
    assigned = known_users.find(visit.snapshot, visit.anonymous_id)
    if not is_recorded:
        return await _preview_assignment(visit, assigned)
    if assigned is None:
        assigned = await _claim_assignment(visit, is_capped=is_capped)
    if assigned.variant_number in visit.snapshot.unservable_numbers:
        assigned = await assignments.redraw_assignment(
            _draw_again(visit, assigned), assigned
        )
    known_users.remember(visit.snapshot, visit.anonymous_id, assigned)
    return assigned


async def _claim_assignment(visit: Visit, *, is_capped: bool) -> AssignedVariant:
    snapshot, anonymous_id = visit.snapshot, visit.anonymous_id
    if is_capped:
        assigned = await assignments.find_assignment(
            snapshot.optimization_id, anonymous_id
        )
        if assigned is None:
            raise new_user_cap.build_cap_error()
        return assigned
    assigned = await assignments.claim_assignment(
        decide_variant(snapshot, anonymous_id, visit.context, visit.now)
    )
    if not assigned.sticky:
        new_user_cap.count_new_user(snapshot.optimization_id)
    return assigned


async def _preview_assignment(
    visit: Visit, assigned: AssignedVariant | None
) -> AssignedVariant:
    """Decide as a serve would, honoring the user's assignment, and write nothing."""
    snapshot, anonymous_id = visit.snapshot, visit.anonymous_id
    if assigned is None:
        assigned = await assignments.find_assignment(
            snapshot.optimization_id, anonymous_id
        )
    if assigned is None:
        return _build_unsaved_assignment(
            decide_variant(snapshot, anonymous_id, visit.context, visit.now)
        )
    if assigned.variant_number in snapshot.unservable_numbers:
        return _build_unsaved_assignment(_draw_again(visit, assigned))
    return assigned


def _draw_again(visit: Visit, assigned: AssignedVariant) -> Proposal:
    return draw_variant(
        visit.snapshot,
        visit.anonymous_id,
        visit.context,
        visit.now,
        redraw=assigned.redraws + 1,
    )


def _build_unsaved_assignment(proposal: Proposal) -> AssignedVariant:
    return AssignedVariant(
        variant_number=proposal.card.number,
        in_holdout=proposal.in_holdout,
        policy_version=proposal.snapshot.policy_version,
        propensity=proposal.propensity,
        decided_at=proposal.decided_at,
        sticky=False,
    )

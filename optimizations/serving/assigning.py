"""Decide and assign in the event loop: one path for every way that serve is called."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from optimizations.factors import Context
from optimizations.serving import assignments, metrics, new_user_cap, snapshot_memory
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.decision import (
    decide_shipped_variant,
    decide_variant,
    draw_variant,
)
from optimizations.serving.known_users import known_users
from optimizations.serving.snapshot import Proposal, Snapshot

# What a request leaves behind: a "dry_run" is for developers, an "unrecorded" one is
# shown to somebody who does not count, or who is recorded later. A "public_dry_run" has no
# key and may ask about anybody's id: it decides as for a user who was never served.
Recording = Literal["recorded", "dry_run", "public_dry_run", "unrecorded"]


class Visit(NamedTuple):
    """One user who asks for a variant now. `now` is aware, in UTC."""

    snapshot: Snapshot
    anonymous_id: str
    context: Context
    now: datetime


async def decide(
    visit: Visit, recording: Recording, *, is_capped: bool
) -> AssignedVariant:
    """Return the variant of a user: the assigned one, or a new decision.

    With "recorded" a new decision is on disk when this returns. Otherwise nothing is
    written. `is_capped` says that this minute has no place for another new user.

    Raises RateLimitedError (a new user above the cap), UnavailableError (the decision
    could not be stored or looked up).
    """
    if visit.snapshot.status == "shipped":
        metrics.count_decision("shipped")
        return _build_unsaved_assignment(
            decide_shipped_variant(
                visit.snapshot, visit.anonymous_id, visit.context, visit.now
            )
        )
    if recording == "public_dry_run":
        return decide_for_new_user(visit)
    known = known_users.find(visit.snapshot, visit.anonymous_id)
    if known is not None:
        metrics.count_known_user("memory")
    if recording != "recorded":
        metrics.count_decision(recording)
        return await _preview_assignment(visit, known)
    return await _serve_assignment(visit, known, is_capped=is_capped)


def recall_assignment(
    snapshot: Snapshot, anonymous_id: str, recording: Recording
) -> AssignedVariant | None:
    """Return what `decide` would, if that is an assignment in memory; else None."""
    if snapshot.status == "shipped" or recording == "public_dry_run":
        return None
    known = known_users.find(snapshot, anonymous_id)
    if known is None or known.variant_number in snapshot.unservable_numbers:
        return None
    metrics.count_known_user("memory")
    metrics.count_decision("known" if recording == "recorded" else recording)
    return known


async def _serve_assignment(
    visit: Visit, known: AssignedVariant | None, *, is_capped: bool
) -> AssignedVariant:
    assigned = known or await _claim_assignment(visit, is_capped=is_capped)
    outcome: metrics.Outcome = "known" if assigned.sticky else "first"
    if _must_redraw(visit.snapshot, assigned):
        outcome = "redrawn"
        assigned = await assignments.redraw_assignment(
            _draw_again(visit, assigned), assigned
        )
    # A barred variant is not remembered: another process may redraw it any moment.
    if (
        assigned is not known
        and assigned.variant_number not in visit.snapshot.unservable_numbers
    ):
        known_users.remember(visit.snapshot, visit.anonymous_id, assigned)
    metrics.count_decision(outcome)
    return assigned


async def _claim_assignment(visit: Visit, *, is_capped: bool) -> AssignedVariant:
    snapshot, anonymous_id = visit.snapshot, visit.anonymous_id
    if is_capped or new_user_cap.is_cap_reached_now(snapshot.optimization_id):
        assigned = await assignments.find_assignment(
            snapshot.optimization_id, anonymous_id
        )
        if assigned is None:
            metrics.count_decision("capped")
            raise new_user_cap.build_cap_error()
        return assigned
    # Counted before, so that those who come at the same moment are counted too.
    count_key = new_user_cap.count_new_user(snapshot.optimization_id)
    assigned = await assignments.claim_assignment(
        decide_variant(snapshot, anonymous_id, visit.context, visit.now)
    )
    if assigned.sticky:
        new_user_cap.uncount_new_user(count_key)
        metrics.count_known_user("database")
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
    if _must_redraw(snapshot, assigned):
        return _build_unsaved_assignment(_draw_again(visit, assigned))
    return assigned


def decide_for_new_user(visit: Visit) -> AssignedVariant:
    """Decide a "public_dry_run" of an optimization that is not shipped.

    Without a look at assignments: neither answer nor time tell of one.
    """
    metrics.count_decision("dry_run")
    return _build_unsaved_assignment(
        decide_variant(visit.snapshot, visit.anonymous_id, visit.context, visit.now)
    )


def _must_redraw(snapshot: Snapshot, assigned: AssignedVariant) -> bool:
    """Return whether the assigned variant was barred since it was assigned.

    Each bar publishes a policy version. A snapshot that is not newer than the assignment
    knows of a bar that was lifted before: this process has yet to hear of it.
    """
    return (
        assigned.variant_number in snapshot.unservable_numbers
        and snapshot.policy_version > assigned.policy_version
        and snapshot_memory.is_settled(snapshot)
    )


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


async def store_proposals(
    proposals: Sequence[Proposal], wait_seconds: float
) -> list[AssignedVariant | None]:
    """Store what clients decided as a serve would have; results in their order.

    A user who has an assignment keeps it. Only the next redraw of a user replaces the
    assignment, and only where its variant may no longer be served. A redraw of a user
    without an assignment is not stored: None. Of several proposals for one user one is
    stored, and the others return it.

    Raises UnavailableError if one of them is not stored in `wait_seconds`; the others
    may be.
    """
    stores = (_store_proposal(proposal, wait_seconds) for proposal in proposals)
    return await asyncio.gather(*stores)


async def _store_proposal(
    proposal: Proposal, wait_seconds: float
) -> AssignedVariant | None:
    if not proposal.redraw:
        return await assignments.claim_assignment(proposal, wait_seconds)
    snapshot = proposal.snapshot
    assigned = await assignments.find_assignment(
        snapshot.optimization_id, proposal.anonymous_id
    )
    if assigned is None:
        return None
    is_barred = assigned.variant_number in snapshot.unservable_numbers
    if not is_barred or proposal.redraw != assigned.redraws + 1:
        return assigned
    return await assignments.redraw_assignment(proposal, assigned)

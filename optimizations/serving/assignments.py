"""Sticky assignments: on disk before the response leaves. Everything runs in the loop.

First serves, redraws and look-ups each go in batches of their own; see batching.py.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

from levered_site import random_bytes
from optimizations.serving import assignment_store, metrics
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.batching import BatchRunner, Key
from optimizations.serving.snapshot import Proposal


class _Claim(NamedTuple):
    """A proposal to store. `decision_id` is the id of its receipt.

    `replaces` is the receipt of the assignment that a redraw replaces.
    """

    proposal: Proposal
    decision_id: int
    replaces: int = 0

    @property
    def key(self) -> Key:
        return self.proposal.snapshot.optimization_id, self.proposal.anonymous_id


async def _store_claims(claims: Sequence[_Claim]) -> list[AssignedVariant | None]:
    pairs = [(claim.decision_id, claim.proposal) for claim in claims]
    stored = await assignment_store.insert_new(pairs)
    if stored:
        metrics.observe_batch(len(stored))
    return await _settle_claims(claims, stored)


async def _store_redraws(claims: Sequence[_Claim]) -> list[AssignedVariant | None]:
    pairs = [(claim.decision_id, claim.proposal) for claim in claims]
    replaced = [claim.replaces for claim in claims]
    stored = await assignment_store.replace_existing(pairs, replaced)
    return await _settle_claims(claims, stored)


async def _settle_claims(
    claims: Sequence[_Claim], stored: set[int]
) -> list[AssignedVariant | None]:
    """Return what each claim's user is assigned now: the claim, or what was there.

    None for a user who was erased between the two statements.
    """
    others = [claim.key for claim in claims if claim.decision_id not in stored]
    existing = await assignment_store.select_existing(others) if others else {}
    return [
        _build_assigned(claim, sticky=False)
        if claim.decision_id in stored
        else _settle_known_claim(claim, existing.get(claim.key))
        for claim in claims
    ]


def _settle_known_claim(
    claim: _Claim, existing: AssignedVariant | None
) -> AssignedVariant | None:
    if existing is None:
        return None
    # A batch that was sent again finds its own rows.
    return existing._replace(sticky=existing.decision_id != claim.decision_id)


def _build_assigned(claim: _Claim, *, sticky: bool) -> AssignedVariant:
    proposal = claim.proposal
    return AssignedVariant(
        variant_number=proposal.card.number,
        in_holdout=proposal.in_holdout,
        policy_version=proposal.snapshot.policy_version,
        propensity=proposal.propensity,
        decided_at=proposal.decided_at,
        sticky=sticky,
        decision_id=claim.decision_id,
        redraws=proposal.redraw,
    )


async def _find_all(keys: Sequence[Key]) -> list[AssignedVariant | None]:
    existing = await assignment_store.select_existing(keys)
    return [existing.get(key) for key in keys]


class _Runners:
    """The batches of this process; a fork starts with none."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.claims = BatchRunner(_store_claims)
        self.redraws = BatchRunner(_store_redraws)
        self.lookups = BatchRunner(_find_all)


_runners = _Runners()
os.register_at_fork(after_in_child=_runners.reset)


async def claim_assignment(
    proposal: Proposal, wait_seconds: float | None = None
) -> AssignedVariant:
    """Assign the proposed variant to the user, or return what is assigned already.

    Returns once the assignment and its receipt are on disk. Raises UnavailableError
    after `wait_seconds` (default batching.MAX_WAIT_SECONDS); the claim may still be
    stored then, and a repeated request finds it. Raises it too for a user who was erased
    at the same moment: the repeat is a first serve again.
    """
    claim = _Claim(proposal, _draw_decision_id())
    assigned, is_shared = await _runners.claims.submit(claim.key, claim, wait_seconds)
    return _require_assigned(assigned, is_shared=is_shared)


async def redraw_assignment(
    proposal: Proposal, replaced: AssignedVariant
) -> AssignedVariant:
    """Replace an assignment whose variant may no longer be served.

    Returns what the user is assigned now: the proposal, or what another request put in
    the place of `replaced` meanwhile. Raises as `claim_assignment`.
    """
    proposal = proposal._replace(in_holdout=replaced.in_holdout)
    claim = _Claim(proposal, _draw_decision_id(), replaced.decision_id)
    assigned, is_shared = await _runners.redraws.submit(claim.key, claim)
    return _require_assigned(assigned, is_shared=is_shared)


def _require_assigned(
    assigned: AssignedVariant | None, *, is_shared: bool
) -> AssignedVariant:
    if assigned is None:
        raise assignment_store.build_busy_error()
    return assigned.as_repeated() if is_shared else assigned


def _draw_decision_id() -> int:
    """Return a random number of 63 bits, which a bigint holds."""
    return int.from_bytes(random_bytes.take_random_bytes()[:8]) >> 1


async def find_assignment(
    optimization_id: str, anonymous_id: str
) -> AssignedVariant | None:
    """Return a user's assignment and write nothing; None where there is none.

    Raises UnavailableError after batching.MAX_WAIT_SECONDS.
    """
    key = optimization_id, anonymous_id
    assigned, _ = await _runners.lookups.submit(key, key)
    return assigned


async def drain() -> None:
    """Wait until everything that was claimed is stored."""
    await _runners.claims.drain()
    await _runners.redraws.drain()

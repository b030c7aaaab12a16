"""One serve from question to answer: snapshot, proposal, lock. For HTTP and MCP alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from optimizations.factors import Context
from optimizations.serving import (
    assignments,
    decision as serving,
    new_user_cap,
    snapshot_store,
)
from optimizations.serving.assignments import Locked
from optimizations.serving.snapshot import Proposal, Snapshot


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks. `origin` is None where no browser asks."""

    optimization_id: str
    anonymous_id: str
    context: Mapping[str, Any]
    dry_run: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The variant a user gets, and how it came about."""

    snapshot: Snapshot
    anonymous_id: str
    decision: Locked

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


def keys(optimization_id: str) -> Sequence[str]:
    """Name what the cache should tell before `answer`, in the order it wants it."""
    return snapshot_store.version_key(optimization_id), new_user_cap.key(
        optimization_id
    )


def answer(question: Question, known: Sequence[bytes | None]) -> Answer:
    """Answer a question; `known` are the cache's values of `keys`, None when absent.

    Raises NotFoundError, ConflictError, ForbiddenError, InvalidParametersError, RateLimitedError (too many new
    users this minute), UnavailableError (the decision could not be stored).
    """
    newest, this_minute = known
    snapshot = snapshot_store.fetch(question.optimization_id, newest)
    serving.admit(snapshot, question.origin)
    context = serving.place(snapshot, question.context)
    now = timezone.now()
    if snapshot.status == "shipped":
        proposal = serving.shipped(snapshot, question.anonymous_id, context, now)
        decision = _unlocked(proposal)
    elif question.dry_run:
        decision = _rehearse(snapshot, question.anonymous_id, context, now)
    else:
        decision = _decide(
            serving.decide(snapshot, question.anonymous_id, context, now),
            crowded=new_user_cap.crowded(this_minute),
        )
    return Answer(snapshot, question.anonymous_id, decision)


def _decide(proposal: Proposal, *, crowded: bool) -> Locked:
    """Claim the proposal; a lock that may no longer be served is drawn anew."""
    snapshot = proposal.snapshot
    if crowded:
        _refuse_newcomer(proposal)
    locked = assignments.claim(proposal)
    if locked.variant_number in snapshot.barred:
        locked = assignments.claim(
            serving.draw(
                snapshot, proposal.anonymous_id, proposal.context, proposal.decided_at
            )
        )
    if not locked.sticky:
        new_user_cap.count(snapshot.optimization_id)
    return locked


def _rehearse(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Locked:
    """Decide as a serve would, the user's lock included, and write nothing."""
    locked = assignments.find(snapshot.optimization_id, anonymous_id)
    if locked is None:
        return _unlocked(serving.decide(snapshot, anonymous_id, context, now))
    if locked.variant_number in snapshot.barred:
        return _unlocked(serving.draw(snapshot, anonymous_id, context, now))
    return locked


def _unlocked(proposal: Proposal) -> Locked:
    return Locked(
        variant_number=proposal.card.number,
        in_holdout=proposal.in_holdout,
        policy_version=proposal.snapshot.policy_version,
        propensity=proposal.propensity,
        decided_at=proposal.decided_at,
        sticky=False,
    )


def _refuse_newcomer(proposal: Proposal) -> None:
    """Past the cap only users with a lock are answered."""
    found = assignments.find(proposal.snapshot.optimization_id, proposal.anonymous_id)
    if found is None:
        raise new_user_cap.refusal()

"""How a user's variant is decided: snapshot and request in, proposal out. No Django."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    InvalidParametersError,
    NotFoundError,
)
from models_app.bandit.policy import allocation
from optimizations import factors
from optimizations.factors import Context
from optimizations.serving.snapshot import Proposal, Snapshot

NOT_SERVING_MESSAGES = {
    "draft": "This optimization is a draft: it answers once it is live.",
    "paused": "This optimization is paused: show your fallback.",
}


def check_serve_allowed(snapshot: Snapshot, origin: str | None) -> None:
    """Refuse what this optimization does not answer.

    Raises NotFoundError for an ended one, ConflictError for one that waits, ForbiddenError for an
    origin that is not allowed; a request without an origin comes from no browser.
    """
    if snapshot.status in NOT_SERVING_MESSAGES:
        raise ConflictError(NOT_SERVING_MESSAGES[snapshot.status])
    if snapshot.status not in {"live", "shipped"}:
        raise NotFoundError("No such optimization.")
    allowed = snapshot.allowed_origins
    if allowed and origin is not None and origin not in allowed:
        raise ForbiddenError("This optimization does not answer that origin.")


def resolve_context(snapshot: Snapshot, context: Mapping[str, Any]) -> Context:
    """Find the policy's row for a sent context.

    Raises InvalidParametersError naming the factor whose value is a list or an object.
    """
    try:
        return factors.resolve_context(snapshot.contexts, context)
    except TypeError as error:
        raise InvalidParametersError.for_field(
            f"context.{error}", "must be a string, a number, true, false or null"
        ) from error


def is_in_holdout(optimization_id: str, anonymous_id: str, threshold: str) -> bool:
    """Tell by the contract's rule whether a user belongs to the holdout."""
    return compute_holdout_hash(optimization_id, anonymous_id) < threshold


def compute_holdout_hash(optimization_id: str, anonymous_id: str) -> str:
    """Return the 8 hex characters that the holdout's threshold is compared with."""
    text = f"{optimization_id}:{anonymous_id}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()[:8]


def decide_variant(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Decide for a user without a lock: the holdout's baseline, or a draw."""
    threshold = snapshot.holdout_threshold
    if is_in_holdout(snapshot.optimization_id, anonymous_id, threshold):
        return Proposal(
            snapshot=snapshot,
            anonymous_id=anonymous_id,
            card=snapshot.card(1),
            in_holdout=True,
            propensity=1.0,
            context=context,
            decided_at=now,
        )
    return draw_variant(snapshot, anonymous_id, context, now)


def draw_variant(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Draw from the policy, whatever the holdout says.

    Also for users of the optimized arm whose locked variant may no longer be served:
    the arm was decided at their first serve.
    """
    u = allocation.hash_to_uniform(
        snapshot.optimization_id, anonymous_id, snapshot.policy_version
    )
    index = allocation.choose_variant(snapshot.cumulative(context.segment), u)
    propensity = float(snapshot.probabilities[context.segment, index])
    return Proposal(
        snapshot=snapshot,
        anonymous_id=anonymous_id,
        card=snapshot.cards[index],
        in_holdout=False,
        propensity=propensity,
        context=context,
        decided_at=now,
    )


def decide_shipped_variant(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Answer the leading variant of the context: no holdout, no draw, no lock."""
    return Proposal(
        snapshot=snapshot,
        anonymous_id=anonymous_id,
        card=snapshot.card(snapshot.leading[context.segment]),
        in_holdout=False,
        propensity=1.0,
        context=context,
        decided_at=now,
    )

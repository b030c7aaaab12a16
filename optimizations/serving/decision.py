"""Decide a user's variant: snapshot and request in, proposal out. No Django."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from levered_site.api.origins import is_origin_allowed
from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    InvalidParametersError,
    NotFoundError,
)
from levered_site.level_texts import NOT_SCALAR_MESSAGE
from models_app.bandit.policy import rendezvous
from optimizations import factors
from optimizations.factors import Context
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Proposal, Snapshot

SERVING_STATUSES = frozenset({"live", "shipped"})
NOT_SERVING_MESSAGES = {
    "draft": "This optimization is a draft. It serves once it is live.",
    "paused": "This optimization is paused. Show your fallback until it is resumed.",
}
FORBIDDEN_ORIGIN_MESSAGE = (
    "This optimization does not serve requests from this origin. "
    "Add the origin to its allowed_origins."
)
FOREIGN_KEY_MESSAGE = (
    "The API key belongs to another organization than this optimization. "
    "Use a key of its organization, or none."
)


def serves_everybody(snapshot: Snapshot) -> bool:
    """Return whether `check_serve_allowed` lets every request without a key pass."""
    return snapshot.status in SERVING_STATUSES and not snapshot.allowed_origins


def check_serve_allowed(
    snapshot: Snapshot, origin: str | None, key_organization_id: str | None
) -> None:
    """Raise unless the optimization serves requests from this origin with this key.

    Raises NotFoundError for an ended optimization, ConflictError for a draft or a
    paused one, ForbiddenError for an origin that is not allowed and for the key of
    another organization. A request without an origin does not come from a browser and
    passes, and so does one without a key.
    """
    if snapshot.status in NOT_SERVING_MESSAGES:
        raise ConflictError(NOT_SERVING_MESSAGES[snapshot.status])
    if snapshot.status not in SERVING_STATUSES:
        raise NotFoundError(NOT_FOUND_MESSAGE)
    allowed_origins = snapshot.allowed_origins
    if (
        allowed_origins
        and origin is not None
        and not is_origin_allowed(origin, allowed_origins)
    ):
        raise ForbiddenError(FORBIDDEN_ORIGIN_MESSAGE)
    if key_organization_id not in {None, snapshot.organization_id}:
        raise ForbiddenError(FOREIGN_KEY_MESSAGE)


def resolve_context(snapshot: Snapshot, context: Mapping[str, Any]) -> Context:
    """Return the context of a request with its context cell.

    Raises InvalidParametersError naming the factor whose value is a list or an object.
    """
    try:
        return factors.resolve_context(snapshot.contexts, context)
    except TypeError as error:
        raise InvalidParametersError.for_field(
            f"context.{error}", NOT_SCALAR_MESSAGE
        ) from error


def is_in_holdout(optimization_id: str, anonymous_id: str, threshold: str) -> bool:
    """Return whether a user belongs to the holdout, by the rule that clients use too.

    The same rule is in warehouse/sql/cube/*.sql and docs/serving.md: change all of them
    together.
    """
    return compute_holdout_hash(optimization_id, anonymous_id) < threshold


def compute_holdout_hash(optimization_id: str, anonymous_id: str) -> str:
    """Return the 8 hex characters to compare with the holdout's threshold."""
    text = f"{optimization_id}:{anonymous_id}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()[:8]


def decide_variant(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Decide for a user without an assignment: the holdout's baseline, or a draw."""
    threshold = snapshot.holdout_threshold
    if is_in_holdout(snapshot.optimization_id, anonymous_id, threshold):
        return hold_out_user(snapshot, anonymous_id, context, now)
    return draw_variant(snapshot, anonymous_id, context, now)


def hold_out_user(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Return the baseline for a user of the holdout."""
    return Proposal(
        snapshot=snapshot,
        anonymous_id=anonymous_id,
        card=snapshot.card(1),
        in_holdout=True,
        propensity=1.0,
        context=context,
        decided_at=now,
    )


def draw_variant(
    snapshot: Snapshot,
    anonymous_id: str,
    context: Context,
    now: datetime,
    *,
    redraw: int = 0,
) -> Proposal:
    """Draw from the policy without asking whether the user belongs to the holdout.

    Also used to redraw for users of the optimized arm whose assigned variant may no
    longer be served: their first serve decided the arm. Then `redraw` is 1 more than
    the number of redraws that the assignment counts. A redraw needs hashes of its own:
    the first ones are conditioned on the variant that won, and would make the
    propensity wrong.
    """
    row = snapshot.prepare_row(context.cell_index)
    seed = rendezvous.compute_seed(snapshot.optimization_id, anonymous_id, redraw)
    index = rendezvous.draw_from_row(row, seed)
    propensity = float(snapshot.probabilities[context.cell_index, index])
    return Proposal(
        snapshot=snapshot,
        anonymous_id=anonymous_id,
        card=snapshot.cards[index],
        in_holdout=False,
        propensity=propensity,
        context=context,
        decided_at=now,
        redraw=redraw,
    )


def decide_shipped_variant(
    snapshot: Snapshot, anonymous_id: str, context: Context, now: datetime
) -> Proposal:
    """Return the leading variant of the context: no holdout, no draw, no assignment."""
    return Proposal(
        snapshot=snapshot,
        anonymous_id=anonymous_id,
        card=snapshot.card(snapshot.leading[context.cell_index]),
        in_holdout=False,
        propensity=1.0,
        context=context,
        decided_at=now,
    )

"""Export the allocation table, for clients that decide as the service would."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any
from uuid import UUID

import numpy as np

from levered_site.errors import ConflictError
from models_app.bandit.design.design import OTHER, Floats
from optimizations.models import Optimization
from optimizations.serving import snapshot_loader
from optimizations.serving.snapshot import NO_HOLDOUT_THRESHOLD, Snapshot

Level = str | dict[str, bool] | None
HOLDOUT_RULE = (
    "a user is in the holdout if the first 8 hex characters of "
    "md5(optimization_id ':' anonymous_id), compared as text, are below the threshold; "
    "holdout users get the baseline"
)
DRAW_RULE = (
    "seed = the first two 32-bit words, big-endian, of sha256(optimization_id ':' "
    "anonymous_id), for the k-th redraw of a user sha256(optimization_id ':' "
    "anonymous_id ':' k); for variant number i: high = fmix32(seed[0] xor "
    "(i * 0x9E3779B9 mod 2^32)), low = fmix32(seed[1] xor (i * 0x85EBCA6B mod 2^32)), "
    "u = ((high >> 5) * 2^26 + (low >> 6) + 0.5) / 2^53; the variant with the smallest "
    "-ln(u) / probability wins, the lower number of two equal ones"
)
NO_POLICY_MESSAGE = (
    "This optimization has no policy yet: it gets one when it goes live."
)


@dataclass(frozen=True, slots=True)
class PolicyVariant:
    """A variant of the table."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool


@dataclass(frozen=True, slots=True)
class PolicyContextFactor:
    """A context factor, with its levels as they are compared."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """The probabilities in one context, variants in the order of their numbers."""

    context: Annotated[
        dict[str, Annotated[Any, {"nullable": True}]],
        'Factor to level; {"other": true} for any other value, null for none.',
    ]
    probabilities: list[float]


@dataclass(frozen=True, slots=True)
class PolicyHoldout:
    """Who is held out."""

    percentage: float
    threshold: str
    variant_number: int
    rule: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The allocation table that serves."""

    optimization_id: UUID
    status: Annotated[str, "Decide only while it is `live` or `shipped`."]
    version: int
    revision: Annotated[
        int, "Grows with every change of what is served: a lower one is out of date."
    ]
    variants: list[PolicyVariant]
    context_factors: list[PolicyContextFactor]
    contexts: list[PolicyRow]
    holdout: PolicyHoldout
    draw_rule: str
    draw: str
    model_id: Annotated[UUID | None, "Not in the answer for an optimization."] = None


def export_model_policy(optimization: Optimization) -> Policy:
    """Return the policy of an optimization's model, as of the database.

    Raises ConflictError if the optimization has never been live.
    """
    if optimization.went_live_at is None:
        raise ConflictError(NO_POLICY_MESSAGE)
    snapshot = snapshot_loader.build_snapshot(optimization)
    return export_policy(snapshot, model_id=optimization.model_id)


def export_policy(snapshot: Snapshot, *, model_id: UUID | None = None) -> Policy:
    """Return the table that serves: a probability per variant for each context.

    Contexts are in row-major order, the last factor changing fastest. Every factor has
    two levels more than it names: {"other": true} for any other value, null for a
    missing one. A shipped optimization serves its leading variant with probability 1.
    """
    probabilities = _build_probabilities(snapshot).tolist()
    return Policy(
        optimization_id=UUID(snapshot.optimization_id),
        status=snapshot.status,
        version=snapshot.policy_version,
        revision=snapshot.version,
        variants=[
            PolicyVariant(card.number, card.key, card.levels, card.servable)
            for card in snapshot.cards
        ],
        context_factors=[
            PolicyContextFactor(factor.name, factor.levels)
            for factor in snapshot.contexts
        ],
        contexts=[
            PolicyRow(context, row)
            for context, row in zip(
                _list_contexts(snapshot), probabilities, strict=True
            )
        ],
        holdout=_export_holdout(snapshot),
        draw_rule="rendezvous",
        draw=DRAW_RULE,
        model_id=model_id,
    )


def _build_probabilities(snapshot: Snapshot) -> Floats:
    if snapshot.status != Optimization.Status.SHIPPED:
        return snapshot.probabilities
    table = np.zeros_like(snapshot.probabilities)
    table[np.arange(len(table)), np.array(snapshot.leading) - 1] = 1.0
    return table


def _export_holdout(snapshot: Snapshot) -> PolicyHoldout:
    is_shipped = snapshot.status == Optimization.Status.SHIPPED
    return PolicyHoldout(
        percentage=0.0 if is_shipped else snapshot.holdout_percentage,
        threshold=NO_HOLDOUT_THRESHOLD if is_shipped else snapshot.holdout_threshold,
        variant_number=1,
        rule=HOLDOUT_RULE,
    )


def _list_contexts(snapshot: Snapshot) -> Iterator[dict[str, Level]]:
    """Yield the context of each row of the table."""
    names = [factor.name for factor in snapshot.contexts]
    choices: list[tuple[Level, ...]] = [
        (*factor.levels, {OTHER: True}, None) for factor in snapshot.contexts
    ]
    for levels in product(*choices):
        yield dict(zip(names, levels, strict=True))

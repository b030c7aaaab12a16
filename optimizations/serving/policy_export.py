"""Export the allocation table, for clients that decide as the service would."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import numpy as np

from levered_site.errors import ConflictError
from models_app.bandit.design.design import OTHER, Design, Floats
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
    "u = the first 13 hex characters of sha256(optimization_id ':' anonymous_id ':' "
    "version) / 16^13; look u up in the running sums of the context's probabilities"
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

    model_id: UUID
    optimization_id: UUID
    status: str
    version: int
    variants: list[PolicyVariant]
    context_factors: list[PolicyContextFactor]
    contexts: list[PolicyRow]
    holdout: PolicyHoldout
    draw: str


def export_policy(optimization: Optimization) -> Policy:
    """Return the table that serves: a probability per variant for each context.

    Contexts are in row-major order, the last factor changing fastest. Every factor has
    two levels more than it names: {"other": true} for any other value, null for a
    missing one. A shipped optimization serves its leading variant with probability 1.
    Raises ConflictError if the optimization has never been live.
    """
    if optimization.went_live_at is None:
        raise ConflictError(
            "This optimization has no policy yet: it gets one when it goes live."
        )
    snapshot = snapshot_loader.build_snapshot(optimization)
    contexts = _export_contexts(optimization.model.design)
    probabilities = _build_probabilities(snapshot).tolist()
    return Policy(
        model_id=optimization.model_id,
        optimization_id=optimization.pk,
        status=snapshot.status,
        version=snapshot.policy_version,
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
            for context, row in zip(contexts, probabilities, strict=True)
        ],
        holdout=_export_holdout(optimization, snapshot),
        draw=DRAW_RULE,
    )


def _build_probabilities(snapshot: Snapshot) -> Floats:
    if snapshot.status != Optimization.Status.SHIPPED:
        return snapshot.probabilities
    table = np.zeros_like(snapshot.probabilities)
    table[np.arange(len(table)), np.array(snapshot.leading) - 1] = 1.0
    return table


def _export_holdout(optimization: Optimization, snapshot: Snapshot) -> PolicyHoldout:
    is_shipped = optimization.status == Optimization.Status.SHIPPED
    return PolicyHoldout(
        percentage=0.0 if is_shipped else optimization.holdout_percentage,
        threshold=NO_HOLDOUT_THRESHOLD if is_shipped else snapshot.holdout_threshold,
        variant_number=1,
        rule=HOLDOUT_RULE,
    )


def _export_contexts(design: Design) -> list[dict[str, Level]]:
    return [
        {
            factor.name: _export_level(factor.levels, int(level))
            for factor, level in zip(design.contexts, row, strict=True)
        }
        for row in design.context_levels
    ]


def _export_level(levels: tuple[str, ...], level_index: int) -> Level:
    choices: tuple[Level, ...] = (*levels, {OTHER: True}, None)
    return choices[level_index]

"""Export the allocation table, for clients that decide as the service would."""

from typing import Any

import numpy as np

from levered_site.errors import ConflictError
from models_app.bandit.design.design import OTHER, Design, Floats
from optimizations.models import Optimization
from optimizations.serving import snapshot_loader
from optimizations.serving.snapshot import NO_HOLDOUT_THRESHOLD, Snapshot

Json = dict[str, Any]
HOLDOUT_RULE = (
    "a user is in the holdout if the first 8 hex characters of "
    "md5(optimization_id ':' anonymous_id), compared as text, are below the threshold; "
    "holdout users get the baseline"
)
DRAW_RULE = (
    "u = the first 13 hex characters of sha256(optimization_id ':' anonymous_id ':' "
    "version) / 16^13; look u up in the running sums of the context's probabilities"
)


def export_policy(optimization: Optimization) -> Json:
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
    return {
        "model_id": optimization.model_id,
        "optimization_id": optimization.pk,
        "status": snapshot.status,
        "version": snapshot.policy_version,
        **_export_choices(snapshot),
        "contexts": [
            {"context": context, "probabilities": row}
            for context, row in zip(
                _export_contexts(optimization.model.design),
                _build_probabilities(snapshot).tolist(),
                strict=True,
            )
        ],
        "holdout": _export_holdout(optimization, snapshot),
        "draw": DRAW_RULE,
    }


def _build_probabilities(snapshot: Snapshot) -> Floats:
    if snapshot.status != Optimization.Status.SHIPPED:
        return snapshot.probabilities
    table = np.zeros_like(snapshot.probabilities)
    table[np.arange(len(table)), np.array(snapshot.leading) - 1] = 1.0
    return table


def _export_choices(snapshot: Snapshot) -> Json:
    return {
        "variants": [
            {
                "number": card.number,
                "variant_key": card.key,
                "variant": card.levels,
                "enabled": card.servable,
            }
            for card in snapshot.cards
        ],
        "context_factors": [
            {"name": factor.name, "levels": factor.levels}
            for factor in snapshot.contexts
        ],
    }


def _export_holdout(optimization: Optimization, snapshot: Snapshot) -> Json:
    is_shipped = optimization.status == Optimization.Status.SHIPPED
    return {
        "percentage": 0.0 if is_shipped else optimization.holdout_percentage,
        "threshold": NO_HOLDOUT_THRESHOLD if is_shipped else snapshot.holdout_threshold,
        "variant_number": 1,
        "rule": HOLDOUT_RULE,
    }


def _export_contexts(design: Design) -> list[Json]:
    return [
        {
            factor.name: _export_level(factor.levels, int(level))
            for factor, level in zip(design.contexts, row, strict=True)
        }
        for row in design.context_levels
    ]


def _export_level(levels: tuple[str, ...], index: int) -> str | dict[str, bool] | None:
    exported: tuple[str | dict[str, bool] | None, ...] = (*levels, {OTHER: True}, None)
    return exported[index]

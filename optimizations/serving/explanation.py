"""Why a user got a variant: their lock and receipts, replayed with the policy's table."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from levered_site.errors import NotFoundError
from models_app import versions
from models_app.bandit.policy import allocation
from models_app.models import PolicyVersion
from optimizations import factors
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import decision
from optimizations.serving.snapshot import Floats


@dataclass(frozen=True, slots=True)
class Explanation:
    """A user's lock, and how every one of their receipts came about, oldest first."""

    optimization: Optimization
    assignment: Assignment
    receipts: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Write it as the contract names its fields: the decision in force on top."""
        lock = self.assignment
        keys = _list_combinations(self.optimization)
        card = keys[lock.variant_number - 1]
        in_force = self.receipts[-1]
        return {
            "optimization_id": self.optimization.pk,
            "anonymous_id": lock.anonymous_id,
            "variant": card,
            "in_holdout": lock.in_holdout,
            "holdout_hash": decision.compute_holdout_hash(
                str(self.optimization.pk), lock.anonymous_id
            ),
            **in_force,
            "receipts": self.receipts,
        }


def explain_assignment(optimization: Optimization, anonymous_id: str) -> Explanation:
    """Explain a user's variant. Raises NotFoundError where they were never served."""
    own = {"optimization_id": optimization.pk, "anonymous_id": anonymous_id}
    lock = Assignment.objects.filter(**own).first()
    if lock is None:
        raise NotFoundError("This user was never served here.")
    decisions = Decision.objects.filter(**own).order_by("decided_at", "id")
    receipts = tuple(_build_receipt(optimization, one) for one in decisions)
    if not receipts:  # past the retention of receipts: the lock alone is left
        raise NotFoundError("The receipts of this user are not kept any more.")
    return Explanation(optimization, lock, receipts)


def _build_receipt(optimization: Optimization, decision: Decision) -> dict[str, Any]:
    context = json.loads(decision.context)
    probabilities = _load_probabilities(optimization, decision, context)
    return {
        "variant_number": decision.variant_number,
        "variant_key": decision.variant,
        "arm": "holdout" if decision.in_holdout else "optimized",
        "policy_version": decision.policy_version,
        "propensity": decision.propensity,
        "context": context,
        "u": allocation.hash_to_uniform(
            str(optimization.pk), decision.anonymous_id, decision.policy_version
        ),
        "probabilities": [
            {
                "number": number,
                "variant_key": factors.format_variant_key(combination),
                "probability": float(probability),
            }
            for number, (combination, probability) in enumerate(
                zip(_list_combinations(optimization), probabilities, strict=True),
                start=1,
            )
        ],
        "timestamp": decision.decided_at,
    }


def _load_probabilities(
    optimization: Optimization, decision: Decision, context: dict[str, Any]
) -> Floats:
    """Give the probabilities of every variant at that moment: sure in the holdout."""
    if decision.in_holdout:
        sure = np.zeros(optimization.variants_count())
        sure[decision.variant_number - 1] = 1.0
        return sure
    version = PolicyVersion.objects.get(
        model=optimization.model_id, number=decision.policy_version
    )
    config = optimization.model.training_data_config
    place = factors.resolve_context(factors.parse_context_factors(config), context)
    row: Floats = versions.read_table(version)[place.segment]
    return row


def _list_combinations(optimization: Optimization) -> list[dict[str, Any]]:
    design = optimization.model.training_data_config["design_factors"]
    return factors.list_combinations(design)

"""Explain a user's variant: their assignment and receipts, replayed with the policy."""

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
    """A user's assignment and their explained receipts, oldest first."""

    optimization: Optimization
    assignment: Assignment
    receipts: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the explanation with the field names of the API.

        The fields of the newest receipt are on top.
        """
        assignment = self.assignment
        combinations = _list_combinations(self.optimization)
        return {
            "optimization_id": self.optimization.pk,
            "anonymous_id": assignment.anonymous_id,
            "variant": combinations[assignment.variant_number - 1],
            "in_holdout": assignment.in_holdout,
            "holdout_hash": decision.compute_holdout_hash(
                str(self.optimization.pk), assignment.anonymous_id
            ),
            **self.receipts[-1],
            "receipts": self.receipts,
        }


def explain_assignment(optimization: Optimization, anonymous_id: str) -> Explanation:
    """Explain a user's variant.

    Raises NotFoundError if the user was never served, or if their receipts are older
    than the retention and only the assignment is left.
    """
    user = {"optimization_id": optimization.pk, "anonymous_id": anonymous_id}
    assignment = Assignment.objects.filter(**user).first()
    if assignment is None:
        raise NotFoundError("This user was never served by this optimization.")
    decisions = Decision.objects.filter(**user).order_by("decided_at", "id")
    receipts = tuple(_build_receipt(optimization, receipt) for receipt in decisions)
    if not receipts:
        raise NotFoundError("The receipts of this user are past their retention.")
    return Explanation(optimization, assignment, receipts)


def _build_receipt(optimization: Optimization, receipt: Decision) -> dict[str, Any]:
    context = json.loads(receipt.context)
    probabilities = _load_probabilities(optimization, receipt, context)
    return {
        "variant_number": receipt.variant_number,
        "variant_key": receipt.variant,
        "arm": "holdout" if receipt.in_holdout else "optimized",
        "policy_version": receipt.policy_version,
        "propensity": receipt.propensity,
        "context": context,
        "u": allocation.hash_to_uniform(
            str(optimization.pk), receipt.anonymous_id, receipt.policy_version
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
        "timestamp": receipt.decided_at,
    }


def _load_probabilities(
    optimization: Optimization, receipt: Decision, context: dict[str, Any]
) -> Floats:
    """Return every variant's probability at that moment: 1 or 0 in the holdout."""
    if receipt.in_holdout:
        probabilities = np.zeros(optimization.variants_count())
        probabilities[receipt.variant_number - 1] = 1.0
        return probabilities
    version = PolicyVersion.objects.get(
        model=optimization.model_id, number=receipt.policy_version
    )
    context_factors = factors.parse_context_factors(
        optimization.model.training_data_config
    )
    segment = factors.resolve_context(context_factors, context).segment
    segment_row: Floats = versions.read_table(version)[segment]
    return segment_row


def _list_combinations(optimization: Optimization) -> list[dict[str, Any]]:
    design_factors = optimization.model.training_data_config["design_factors"]
    return factors.list_combinations(design_factors)

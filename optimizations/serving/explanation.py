"""Explain a user's variant: their assignment and receipts, replayed with the policy."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np

from levered_site.errors import NotFoundError
from models_app import versions
from models_app.models import PolicyVersion
from optimizations import factors
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import decision, replay
from optimizations.serving.snapshot import Floats

Arm = Literal["optimized", "holdout"]
DrawRuleName = Literal["cumulative", "rendezvous"]
DRAW_RULE_NAMES: dict[int, DrawRuleName] = {
    Decision.DrawRule.CUMULATIVE: "cumulative",
    Decision.DrawRule.RENDEZVOUS: "rendezvous",
}


@dataclass(frozen=True, slots=True)
class VariantProbability:
    """How probable a variant was, and its uniform in the draw."""

    number: int
    variant_key: str
    probability: float
    u: Annotated[
        float | None,
        "The variant's uniform, 0 to 1: the smallest -ln(u) / probability won. "
        "Null under rule `cumulative`, which has one uniform for all.",
    ]


@dataclass(frozen=True, slots=True)
class DecisionReceipt:
    """One decision, and how it came about."""

    variant_number: int
    variant_key: str
    arm: Arm
    policy_version: int
    propensity: float
    context: dict[str, str]
    draw_rule: DrawRuleName
    redraw: Annotated[int, "0 for a first serve, k for the k-th redraw."]
    u: Annotated[
        float,
        "0 to 1. Rule `rendezvous`: the uniform of the variant drawn. Rule `cumulative`: "
        "the point that was looked up in the running sum of the probabilities. In the "
        "holdout nothing is drawn, and it means nothing.",
    ]
    is_reproduced: Annotated[
        bool | None,
        "Whether the rule draws the same variant again. Null in the holdout, and where "
        "the request narrowed the choice of variants.",
    ]
    probabilities: list[VariantProbability]
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """Why a user got a variant: the decision in force, and every receipt, oldest first."""

    optimization_id: UUID
    anonymous_id: str
    variant: dict[str, Any]
    in_holdout: bool
    holdout_hash: Annotated[str, "The first 8 hex characters of the md5."]
    variant_number: int
    variant_key: str
    arm: Arm
    policy_version: int
    propensity: float
    context: dict[str, str]
    draw_rule: DrawRuleName
    redraw: int
    u: float
    is_reproduced: bool | None
    probabilities: list[VariantProbability]
    timestamp: datetime
    receipts: list[DecisionReceipt]


def explain_assignment(
    optimization: Optimization, anonymous_id: str
) -> DecisionExplanation:
    """Explain a user's variant.

    Raises NotFoundError if the user was never served, or if their receipts or the policy
    version behind one are past their retention.
    """
    user = {"optimization_id": optimization.pk, "anonymous_id": anonymous_id}
    assignment = Assignment.objects.filter(**user).first()
    if assignment is None:
        raise NotFoundError("This user was never served by this optimization.")
    decisions = list(Decision.objects.filter(**user).order_by("decided_at", "id"))
    stored_versions = load_versions(optimization, decisions)
    receipts = [
        explain_receipt(optimization, receipt, stored_versions) for receipt in decisions
    ]
    if not receipts:
        raise NotFoundError("The receipts of this user are past their retention.")
    return _build_explanation(optimization, assignment, receipts)


def _build_explanation(
    optimization: Optimization, assignment: Assignment, receipts: list[DecisionReceipt]
) -> DecisionExplanation:
    newest = receipts[-1]
    return DecisionExplanation(
        optimization_id=optimization.pk,
        anonymous_id=assignment.anonymous_id,
        variant=_list_combinations(optimization)[assignment.variant_number - 1],
        in_holdout=assignment.in_holdout,
        holdout_hash=decision.compute_holdout_hash(
            str(optimization.pk), assignment.anonymous_id
        ),
        variant_number=newest.variant_number,
        variant_key=newest.variant_key,
        arm=newest.arm,
        policy_version=newest.policy_version,
        propensity=newest.propensity,
        context=newest.context,
        draw_rule=newest.draw_rule,
        redraw=newest.redraw,
        u=newest.u,
        is_reproduced=newest.is_reproduced,
        probabilities=newest.probabilities,
        timestamp=newest.timestamp,
        receipts=receipts,
    )


def load_versions(
    optimization: Optimization, receipts: Iterable[Decision]
) -> dict[int, PolicyVersion]:
    """Return the policy versions behind receipts by number, without those past retention."""
    numbers = {receipt.policy_version for receipt in receipts if not receipt.in_holdout}
    if not numbers:
        return {}
    rows = PolicyVersion.objects.filter(model=optimization.model_id, number__in=numbers)
    return {version.number: version for version in rows.defer("prob_best", "report")}


def explain_receipt(
    optimization: Optimization,
    receipt: Decision,
    stored_versions: Mapping[int, PolicyVersion],
) -> DecisionReceipt:
    """Explain one receipt by the versions of `load_versions`.

    Raises NotFoundError if its version is past its retention.
    """
    context = json.loads(receipt.context or "{}")
    probabilities = _find_probabilities(optimization, receipt, context, stored_versions)
    uniforms = replay.compute_uniforms(receipt, len(probabilities))
    return DecisionReceipt(
        variant_number=receipt.variant_number,
        variant_key=receipt.variant,
        arm="holdout" if receipt.in_holdout else "optimized",
        policy_version=receipt.policy_version,
        propensity=receipt.propensity,
        context=context,
        draw_rule=DRAW_RULE_NAMES[receipt.draw_rule],
        redraw=receipt.redraw,
        u=replay.pick_decisive_uniform(receipt, uniforms),
        is_reproduced=replay.reproduce_draw(receipt, probabilities),
        probabilities=[
            VariantProbability(
                number, factors.format_variant_key(combination), float(probability), u
            )
            for number, (combination, probability, u) in enumerate(
                zip(
                    _list_combinations(optimization),
                    probabilities,
                    uniforms,
                    strict=True,
                ),
                start=1,
            )
        ],
        timestamp=receipt.decided_at,
    )


def _find_probabilities(
    optimization: Optimization,
    receipt: Decision,
    context: dict[str, Any],
    stored_versions: Mapping[int, PolicyVersion],
) -> Floats:
    """Return every variant's probability at that moment: 1 or 0 in the holdout.

    Raises NotFoundError if the policy version is past its retention.
    """
    if receipt.in_holdout:
        probabilities = np.zeros(optimization.variants_count())
        probabilities[receipt.variant_number - 1] = 1.0
        return probabilities
    version = stored_versions.get(receipt.policy_version)
    if version is None:
        raise NotFoundError(
            f"Policy version {receipt.policy_version}, which decided, is past its "
            "retention."
        )
    context_factors = factors.parse_context_factors(
        optimization.model.training_data_config
    )
    cell_index = factors.resolve_context(context_factors, context).cell_index
    served_probabilities: Floats = versions.read_table(version)[cell_index]
    return served_probabilities


def _list_combinations(optimization: Optimization) -> list[dict[str, Any]]:
    design_factors = optimization.model.training_data_config["design_factors"]
    return factors.list_combinations(design_factors)

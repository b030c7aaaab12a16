"""Off-policy evaluation: what another policy would have earned, from the stored counts."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from models_app.bandit.design.design import Design
from models_app.bandit.off_policy import evaluate
from models_app.bandit.off_policy.evaluate import (
    Evaluation,
    UnsupportedError,
    ValueDifference,
    ValueEstimates,
)
from optimizations.models import Optimization
from optimizations.off_policy import eligible_cells, target_policies
from optimizations.off_policy.eligible_cells import SHIPPED, EvaluationRequest
from optimizations.off_policy.target_policies import CandidateVersions, ServedTables
from optimizations.results import stored
from warehouse.sql.cube.statement import Cell

Json = dict[str, Any]


def build_evaluation(optimization: Optimization, asked: EvaluationRequest) -> Json:
    """Estimate what the policy asked for would have earned, beside what served did.

    Reads stored counts and stored tables only. Raises InvalidParametersError for a
    variant or version that is not there or versions in the wrong order, NotFoundError
    without the candidate asked for, ConflictError for a draft, for a candidate before any
    training, and where the policy needs a variant that could not be shown.
    """
    metric = stored.require_reward_metric(optimization)
    tried = (
        target_policies.load_candidate_versions(optimization)
        if asked.kind == "candidate"
        else None
    )
    asked = _validate_request(optimization, asked, tried)
    observed = stored.load_reward_cube(optimization)
    cells, left_out = _select_cells(optimization, asked, observed.cells)
    served = ServedTables(optimization.model, {cell.policy_version for cell in cells})
    try:
        found = evaluate.evaluate_policy(
            eligible_cells.build_logged_data(cells),
            served,
            target_policies.build_target_tables(optimization, asked, served, tried),
            binary=metric.reward_type == "bool",
        )
    except UnsupportedError as error:
        raise _build_conflict(optimization.model.design, error) from error
    return _format_evaluation(optimization, asked, found) | {
        "metric_id": metric.pk,
        "as_of": observed.as_of,
        "users": {
            "used": found.users,
            "deciding": round(found.deciding_users),
            "learned_from": _count_training_users(cells, asked),
            "left_out": left_out
            | {
                "against_policy": found.against_policy,
                "without_comparison": found.without_comparison,
            },
        },
    }


def _select_cells(
    optimization: Optimization, asked: EvaluationRequest, cells: Iterable[Cell]
) -> tuple[list[Cell], dict[str, int]]:
    known = optimization.model.policy_versions.values_list("number", flat=True)
    shipped = optimization.regimes.filter(reason=SHIPPED).values_list(
        "number", flat=True
    )
    return eligible_cells.split_cells(
        cells, asked, frozenset(known), frozenset(shipped)
    )


def _validate_request(
    optimization: Optimization,
    asked: EvaluationRequest,
    tried: CandidateVersions | None,
) -> EvaluationRequest:
    """Return the question, its versions complete; refuse one that makes no sense."""
    number, count = asked.value or 0, optimization.model.design.variants
    known = optimization.model.policy_versions
    if asked.kind == "variant" and not 1 <= number <= count:
        raise InvalidParametersError.for_field(
            "policy.variant", f"there are variants 1 to {count}"
        )
    if asked.kind == "version" and not known.filter(number=number).exists():
        raise InvalidParametersError.for_field(
            "policy.version", f"there is no policy version {number}"
        )
    if tried is not None:
        asked = _start_at_candidate(asked, tried.numbers[0])
    if asked.to_version is not None and asked.to_version < asked.first_version:
        raise InvalidParametersError.for_field(
            "to_version", f"must be at least {asked.first_version}"
        )
    return asked


def _start_at_candidate(asked: EvaluationRequest, first: int) -> EvaluationRequest:
    """Ask for users who came since the candidate's first table."""
    if asked.from_version is not None and asked.from_version < first:
        raise InvalidParametersError.for_field(
            "from_version", f"the candidate is there since version {first}"
        )
    return replace(asked, from_version=max(asked.first_version, first))


def _build_conflict(design: Design, error: UnsupportedError) -> ConflictError:
    where = " and ".join(
        f"{factor.name} is {design.level_name(at, int(level))}"
        for at, (factor, level) in enumerate(
            zip(design.contexts, design.context_levels[error.context], strict=True)
        )
    )
    reason = (
        f"variant {error.variant + 1} had no probability under policy version "
        f"{error.version}{f' where {where}' if where else ''}"
    )
    return ConflictError(
        f"This policy cannot be evaluated: {reason}. Leave those users out by "
        "from_version or to_version.",
        (FieldProblem("policy", reason),),
    )


def _count_training_users(cells: Iterable[Cell], asked: EvaluationRequest) -> int:
    """Count users that a past version may have learned from, which flatter it."""
    made = (asked.value or 0) if asked.kind == "version" else 0
    return sum(cell.users for cell in cells if (cell.policy_version or 0) < made)


def _format_evaluation(
    optimization: Optimization, asked: EvaluationRequest, found: Evaluation
) -> Json:
    withheld = found.withheld
    figures = ("estimators", "served", "difference")
    return {
        "optimization_id": optimization.pk,
        "policy": asked.kind if asked.value is None else {asked.kind: asked.value},
        "from_version": asked.first_version,
        "to_version": asked.to_version,
        "estimators": found.target and _format_estimates(found.target),
        "served": found.served and _format_estimates(found.served),
        "difference": found.difference and _format_difference(found.difference),
        "unavailable": {} if withheld is None else dict.fromkeys(figures, withheld),
    }


def _format_estimates(estimates: ValueEstimates) -> Json:
    return {
        name: {
            "value": estimate["value"],
            "interval": [estimate["lo"], estimate["hi"]],
            "effective_sample_size": estimate["effective_sample_size"],
        }
        for name, estimate in asdict(estimates).items()
    }


def _format_difference(found: ValueDifference) -> Json:
    return {"value": found.value, "interval": [found.lo, found.hi]}

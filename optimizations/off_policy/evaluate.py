"""Off-policy evaluation of another policy from stored counts."""

from collections.abc import Iterable
from dataclasses import replace

from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from models_app.bandit.design.design import Design
from models_app.bandit.off_policy import evaluate
from models_app.bandit.off_policy.evaluate import (
    UnsupportedError,
    ValueDifference,
    ValueEstimate,
    ValueEstimates,
)
from optimizations.models import Optimization
from optimizations.off_policy import eligible_cells, target_policies
from optimizations.off_policy.eligible_cells import SHIPPED, EvaluationRequest
from optimizations.off_policy.policy_evaluation import (
    Estimate,
    EstimatedDifference,
    Estimators,
    EvaluatedUsers,
    LeftOutUsers,
    PolicyEvaluation,
)
from optimizations.off_policy.target_policies import CandidateVersions, ServedTables
from optimizations.results import stored
from optimizations.results.health import health_records
from warehouse.sql.cube.statement import Cell

FIGURES = ("estimators", "served", "difference")


def build_evaluation(
    optimization: Optimization, request: EvaluationRequest
) -> PolicyEvaluation:
    """Estimate what a policy would have earned, beside what the serving policies earned.

    Reads stored counts and stored tables only. Raises InvalidParametersError for an
    unknown variant or version or versions in the wrong order; NotFoundError for a
    candidate that does not exist; ConflictError for a draft, for a candidate before any
    training, and where the policy needs a variant that had no probability.
    """
    metric = stored.require_reward_metric(optimization)
    candidate_versions = (
        target_policies.load_candidate_versions(optimization)
        if request.kind == "candidate"
        else None
    )
    request = _validate_request(optimization, request, candidate_versions)
    cube = stored.load_reward_cube(optimization)
    cells, excluded = _select_cells(optimization, request, cube.cells)
    served = ServedTables(optimization.model, {cell.policy_version for cell in cells})
    try:
        evaluation = evaluate.evaluate_policy(
            eligible_cells.build_logged_data(cells),
            served,
            target_policies.build_target_tables(
                optimization, request, served, candidate_versions
            ),
            binary=metric.reward_type == "bool",
        )
    except UnsupportedError as error:
        raise _build_conflict(optimization.model.design, error) from error
    withheld = evaluation.withheld
    return PolicyEvaluation(
        optimization_id=optimization.pk,
        policy=request.kind if request.value is None else {request.kind: request.value},
        from_version=request.first_version,
        to_version=request.to_version,
        estimators=_build_estimators(evaluation.target),
        served=_build_estimators(evaluation.served),
        difference=_build_difference(evaluation.difference),
        unavailable={} if withheld is None else dict.fromkeys(FIGURES, withheld),
        metric_id=metric.pk,
        as_of=cube.as_of,
        health=health_records.load_health(optimization),
        users=EvaluatedUsers(
            used=evaluation.users,
            deciding=round(evaluation.deciding_users),
            learned_from=_count_training_users(cells, request),
            left_out=LeftOutUsers(
                **excluded,
                against_policy=evaluation.against_policy,
                without_comparison=evaluation.without_comparison,
            ),
        ),
    )


def _select_cells(
    optimization: Optimization, request: EvaluationRequest, cells: Iterable[Cell]
) -> tuple[list[Cell], dict[str, int]]:
    numbers = optimization.model.policy_versions.values_list("number", flat=True)
    shipped = optimization.regimes.filter(reason=SHIPPED).values_list(
        "number", flat=True
    )
    return eligible_cells.split_cells(
        cells, request, frozenset(numbers), frozenset(shipped)
    )


def _validate_request(
    optimization: Optimization,
    request: EvaluationRequest,
    candidate_versions: CandidateVersions | None,
) -> EvaluationRequest:
    """Return the request with the first version that its candidate allows.

    Raises InvalidParametersError for an unknown variant or version, and for versions in
    the wrong order.
    """
    number, count = request.value or 0, optimization.model.design.variants
    versions = optimization.model.policy_versions
    if request.kind == "variant" and not 1 <= number <= count:
        raise InvalidParametersError.for_field(
            "policy.variant", f"must be from 1 to {count}; got {number}"
        )
    if request.kind == "version" and not versions.filter(number=number).exists():
        raise InvalidParametersError.for_field(
            "policy.version", f"there is no policy version {number}"
        )
    if candidate_versions is not None:
        request = _start_at_candidate(request, candidate_versions.numbers[0])
    if request.to_version is not None and request.to_version < request.first_version:
        raise InvalidParametersError.for_field(
            "to_version", f"must be at least {request.first_version}"
        )
    return request


def _start_at_candidate(request: EvaluationRequest, first: int) -> EvaluationRequest:
    """Return the request restricted to versions since the candidate's first table."""
    if request.from_version is not None and request.from_version < first:
        raise InvalidParametersError.for_field(
            "from_version",
            f"must be at least {first}, the version of the candidate's first table",
        )
    return replace(request, from_version=max(request.first_version, first))


def _build_conflict(design: Design, error: UnsupportedError) -> ConflictError:
    condition = " and ".join(
        f"{factor.name} is {design.level_name(index, int(level))}"
        for index, (factor, level) in enumerate(
            zip(design.contexts, design.context_levels[error.cell_index], strict=True)
        )
    )
    reason = (
        f"variant {error.variant + 1} had no probability under policy version "
        f"{error.version}{f' where {condition}' if condition else ''}"
    )
    return ConflictError(
        f"This policy cannot be evaluated: {reason}. Exclude those users by "
        "`from_version` or `to_version`.",
        (FieldProblem("policy", reason),),
    )


def _count_training_users(cells: Iterable[Cell], request: EvaluationRequest) -> int:
    """Count users that a past version may have been trained on, which flatter it."""
    number = (request.value or 0) if request.kind == "version" else 0
    return sum(cell.users for cell in cells if (cell.policy_version or 0) < number)


def _build_estimators(estimates: ValueEstimates | None) -> Estimators | None:
    if estimates is None:
        return None
    return Estimators(
        ips=_build_estimate(estimates.ips),
        snips=_build_estimate(estimates.snips),
        doubly_robust=_build_estimate(estimates.doubly_robust),
    )


def _build_estimate(estimate: ValueEstimate) -> Estimate:
    interval = estimate.lo, estimate.hi
    return Estimate(estimate.value, interval, estimate.effective_sample_size)


def _build_difference(difference: ValueDifference | None) -> EstimatedDifference | None:
    if difference is None:
        return None
    return EstimatedDifference(difference.value, (difference.lo, difference.hi))

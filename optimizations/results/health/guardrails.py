"""Guardrail metrics: each compared between the arms and judged, from stored counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from metrics import stats
from metrics.models import Metric
from metrics.stats import Interval
from metrics.stats.guardrails import compute_launch_share
from metrics.stats.means import OpenInterval
from optimizations.cube.refresh import ObservationCube
from optimizations.models import GuardrailShare, Optimization
from optimizations.results import count_notes
from optimizations.results.health import health, reward_harm, unread_amounts
from optimizations.results.health.health import HealthReason
from optimizations.results.lift import measured_amounts, measured_lift
from optimizations.results.lift.measured_lift import Comparison
from optimizations.results.stored import StoredCubes

STATUS_NOTE = (
    "violated: p_value_anytime is at most 1 - level, and the change is against direction; "
    "then difference_ci_anytime and lift_ci_anytime exclude zero (either may be null). "
    "lift_ci and p_value are 95% and hold for a single look that was planned beforehand. "
    "pending: too few data for ok, or thin regimes that contradict each other; violated "
    "shows from the first users on. unknown: the metric could not be counted, and its figures are as old as "
    "`as_of`; a violation that was seen stays."
)
LEVEL_NOTE = (
    "Of status and lift_ci_anytime: 1 - the guardrail's share of the error, which was fixed "
    "at going live, or when it was added later."
)
FIRST_VIOLATED_NOTE = (
    "The day (UTC) of the first count that showed harm. It stays when the status returns to "
    "ok."
)


# By the id of the metric.
FixedShares = Mapping[UUID | None, GuardrailShare]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse, and how it does."""

    metric_id: UUID
    name: str
    direction: str
    reward_type: str
    holdout_rate: float | None
    optimization_rate: float | None
    difference: Annotated[float | None, "Per user, in units of the value."]
    difference_ci_anytime: Annotated[OpenInterval | None, "At `level`."]
    lift_percent: float | None
    lift_ci: Interval | None
    lift_ci_anytime: Annotated[Interval | None, "At `level`."]
    level: Annotated[float, LEVEL_NOTE]
    p_value: float | None
    p_value_anytime: float | None
    status: Annotated[Literal["ok", "violated", "pending", "unknown"], STATUS_NOTE]
    first_violated_on: Annotated[date | None, FIRST_VIOLATED_NOTE]
    as_of: Annotated[datetime | None, "When the warehouse last counted this metric."]
    notes: list[str]
    unavailable: dict[str, str]
    message: Annotated[
        str | None, "The error of the last attempt to count it, if that failed."
    ] = None


def judge_guardrails(
    optimization: Optimization,
    cubes: StoredCubes | None = None,
    fixed_shares: FixedShares | None = None,
) -> list[Guardrail]:
    """Judge every guardrail metric by the counts of the last refresh, by name.

    One that could not be counted since is `unknown`, unless its counts showed harm.
    `fixed_shares` are the stored shares, if they were read.
    """
    cubes = cubes or StoredCubes(optimization)
    metrics = optimization.list_guardrails()
    shares = _load_shares(optimization, metrics, fixed_shares)
    return [
        judge_counts(optimization, metric, cubes.load_cube(metric), shares[metric.pk])
        for metric in metrics
    ]


def load_share(optimization: Optimization, metric: Metric) -> GuardrailShare:
    """Return the share of the error that a guardrail has, attached or not."""
    return _load_shares(optimization, [metric])[metric.pk]


def _load_shares(
    optimization: Optimization,
    metrics: list[Metric],
    fixed: FixedShares | None = None,
) -> dict[UUID, GuardrailShare]:
    """Return each guardrail's share of the error; of a draft's what it would have."""
    launch_share = compute_launch_share(max(len(metrics), 1))
    if fixed is None:
        rows = GuardrailShare.objects.filter(optimization=optimization)
        fixed = {row.metric_id: row for row in rows}
    return {
        metric.pk: fixed.get(metric.pk, GuardrailShare(share=launch_share))
        for metric in metrics
    }


def describe_violations(guardrails: list[Guardrail]) -> dict[UUID, HealthReason]:
    """Return the reason of each violated guardrail, by the id of its metric."""
    return {
        guardrail.metric_id: health.describe_violated_guardrail(guardrail)
        for guardrail in guardrails
        if guardrail.status == "violated"
    }


def describe_unread_amounts(
    optimization: Optimization, cubes: StoredCubes
) -> list[HealthReason]:
    """Return the reason of each guardrail some of whose values are no amounts."""
    reasons = (
        unread_amounts.describe_guardrail(metric, cubes.load_cube(metric))
        for metric in optimization.list_guardrails()
    )
    return [reason for reason in reasons if reason is not None]


def describe_hidden_harm(
    optimization: Optimization, cubes: StoredCubes
) -> dict[UUID, HealthReason]:
    """Return the reason of each guardrail whose mean hides harm, by the id of its metric."""
    metrics = optimization.list_guardrails()
    shares = _load_shares(optimization, metrics)
    reasons = {
        metric.pk: _find_hidden_harm(
            optimization, metric, cubes.load_cube(metric), shares[metric.pk].share
        )
        for metric in metrics
    }
    return {pk: reason for pk, reason in reasons.items() if reason is not None}


def _find_hidden_harm(
    optimization: Optimization,
    metric: Metric,
    cube: ObservationCube,
    share: float,
    comparison: Comparison | None = None,
) -> HealthReason | None:
    if metric.reward_type != "numeric":
        return None
    comparison = comparison or _compare(optimization, metric, cube, share)
    amounts = measured_amounts.measure_amounts(
        optimization, metric, cube, comparison.tuning
    )
    return reward_harm.describe_guardrail_harm(metric, comparison, amounts, share)


def _compare(
    optimization: Optimization, metric: Metric, cube: ObservationCube, share: float
) -> Comparison:
    return measured_lift.compare_arms(optimization, metric, cube, anytime_alpha=share)


def store_violations(optimization: Optimization, guardrails: list[Guardrail]) -> None:
    """Store the day of the first violation of each guardrail that is violated first now."""
    for guardrail in guardrails:
        if guardrail.status == "violated":
            GuardrailShare.objects.filter(
                optimization=optimization,
                metric=guardrail.metric_id,
                first_violated_on=None,
            ).update(first_violated_on=guardrail.first_violated_on)


def judge_counts(
    optimization: Optimization,
    metric: Metric,
    cube: ObservationCube,
    share: GuardrailShare,
) -> Guardrail:
    """Judge one guardrail metric, as it is given, by these counts."""
    comparison = _compare(optimization, metric, cube, share.share)
    lift = comparison.lift
    reasons = (
        unread_amounts.describe_guardrail(metric, cube),
        _find_hidden_harm(optimization, metric, cube, share.share, comparison),
    )
    status = stats.judge_guardrail(lift, share.share)
    first_violated_on = share.first_violated_on
    if status == "violated" and first_violated_on is None and cube.as_of is not None:
        first_violated_on = cube.as_of.astimezone(UTC).date()
    return Guardrail(
        metric_id=metric.pk,
        name=metric.name,
        direction=metric.direction,
        reward_type=metric.reward_type,
        holdout_rate=lift.holdout_rate,
        optimization_rate=lift.optimization_rate,
        difference=lift.difference,
        difference_ci_anytime=lift.difference_ci_anytime,
        lift_percent=lift.lift_percent,
        lift_ci=lift.lift_ci,
        lift_ci_anytime=lift.lift_ci_anytime,
        level=1 - share.share,
        p_value=lift.p_value,
        p_value_anytime=lift.p_value_anytime,
        status="unknown" if cube.failure and status != "violated" else status,
        first_violated_on=first_violated_on,
        as_of=cube.as_of,
        notes=[
            *count_notes.list_notes(cube),
            *(f"{reason.message} {reason.next}" for reason in reasons if reason),
        ],
        unavailable=dict(lift.unavailable),
        message=cube.failure.message if cube.failure else None,
    )

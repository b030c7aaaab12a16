"""Guardrail metrics: each compared between the arms and judged, from stored counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from metrics import stats
from metrics.models import Metric
from metrics.stats import Interval
from metrics.stats.guardrails import compute_launch_share
from optimizations.cube.refresh import ObservationCube
from optimizations.models import GuardrailShare, Optimization
from optimizations.results import count_notes, health, measured_lift
from optimizations.results.health import HealthReason
from optimizations.results.stored import StoredCubes

STATUS_NOTE = (
    "violated: p_value_anytime is at most 1 - level, and the change is against direction; "
    "then lift_ci_anytime excludes zero. lift_ci and p_value are 95% and hold for a single "
    "look that was planned beforehand. unknown: the metric could not be "
    "counted, and its figures are as old as `as_of`; a violation that was seen stays."
)
LEVEL_NOTE = (
    "Of status and lift_ci_anytime: 1 - the guardrail's share of the error, which was fixed "
    "at going live, or when it was added later."
)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse, and how it does."""

    metric_id: UUID
    name: str
    direction: str
    reward_type: str
    holdout_rate: float | None
    optimization_rate: float | None
    lift_percent: float | None
    lift_ci: Interval | None
    lift_ci_anytime: Annotated[Interval | None, "At `level`."]
    level: Annotated[float, LEVEL_NOTE]
    p_value: float | None
    p_value_anytime: float | None
    status: Annotated[Literal["ok", "violated", "pending", "unknown"], STATUS_NOTE]
    as_of: Annotated[datetime | None, "When the warehouse last counted this metric."]
    notes: list[str]
    unavailable: dict[str, str]
    message: Annotated[
        str | None, "The error of the last attempt to count it, if that failed."
    ] = None


def judge_guardrails(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> list[Guardrail]:
    """Judge every guardrail metric by the counts of the last refresh, by name.

    One that could not be counted since is `unknown`, unless its counts showed harm.
    """
    metrics = list(optimization.guardrail_metrics.order_by("name", "pk"))
    cubes = cubes or StoredCubes(optimization)
    launch_share = compute_launch_share(max(len(metrics), 1))  # of a draft
    shares = dict(
        GuardrailShare.objects.filter(optimization=optimization).values_list(
            "metric_id", "share"
        )
    )
    failures = dict(optimization.count_failures.values_list("metric_id", "message"))
    return [
        _judge_guardrail(
            optimization,
            metric,
            cubes.load_cube(metric),
            share=shares.get(metric.pk, launch_share),
            failure=failures.get(metric.pk),
        )
        for metric in metrics
    ]


def describe_violations(guardrails: list[Guardrail]) -> dict[UUID, HealthReason]:
    """Return the reason of each violated guardrail, by the id of its metric."""
    return {
        guardrail.metric_id: health.describe_violated_guardrail(guardrail)
        for guardrail in guardrails
        if guardrail.status == "violated"
    }


def _judge_guardrail(
    optimization: Optimization,
    metric: Metric,
    cube: ObservationCube,
    *,
    share: float,
    failure: str | None,
) -> Guardrail:
    comparison = measured_lift.compare_arms(
        optimization, metric, cube, anytime_alpha=share
    )
    lift = comparison.lift
    status = stats.judge_guardrail(lift, share)
    return Guardrail(
        metric_id=metric.pk,
        name=metric.name,
        direction=metric.direction,
        reward_type=metric.reward_type,
        holdout_rate=lift.holdout_rate,
        optimization_rate=lift.optimization_rate,
        lift_percent=lift.lift_percent,
        lift_ci=lift.lift_ci,
        lift_ci_anytime=lift.lift_ci_anytime,
        level=1 - share,
        p_value=lift.p_value,
        p_value_anytime=lift.p_value_anytime,
        status="unknown" if failure and status != "violated" else status,
        as_of=cube.as_of,
        notes=count_notes.list_notes(cube),
        unavailable=dict(lift.unavailable),
        message=failure,
    )

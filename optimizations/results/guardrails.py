"""Guardrail metrics: each compared between the arms and judged, from stored counts."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from metrics import stats
from metrics.models import Metric
from metrics.stats import GuardrailStatus, Interval
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import measured_lift
from optimizations.results.stored import StoredCubes

STATUS_NOTE = (
    "Judged by p_value_anytime times the number of guardrails. lift_ci and p_value hold "
    "for a single look that was planned beforehand."
)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not get worse, and how it does."""

    metric_id: UUID
    name: str
    direction: str
    holdout_rate: float | None
    optimization_rate: float | None
    lift_percent: float | None
    lift_ci: Interval | None
    lift_ci_anytime: Interval | None
    p_value: float | None
    p_value_anytime: float | None
    status: Annotated[GuardrailStatus, STATUS_NOTE]
    unavailable: dict[str, str]


@dataclass(frozen=True, slots=True)
class Guardrails:
    """All guardrails of an optimization, by name."""

    guardrails: list[Guardrail]


def judge_guardrails(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> Guardrails:
    """Judge every guardrail metric by the counts of the last refresh."""
    metrics = list(optimization.guardrail_metrics.order_by("name", "pk"))
    cubes = cubes or StoredCubes(optimization)
    return Guardrails(
        [
            _judge_guardrail(
                optimization, metric, cubes.load_cube(metric), family=len(metrics)
            )
            for metric in metrics
        ]
    )


def _judge_guardrail(
    optimization: Optimization, metric: Metric, cube: ObservationCube, *, family: int
) -> Guardrail:
    lift = measured_lift.compare_arms(optimization, metric, cube).lift
    return Guardrail(
        metric_id=metric.pk,
        name=metric.name,
        direction=metric.direction,
        holdout_rate=lift.holdout_rate,
        optimization_rate=lift.optimization_rate,
        lift_percent=lift.lift_percent,
        lift_ci=lift.lift_ci,
        lift_ci_anytime=lift.lift_ci_anytime,
        p_value=lift.p_value,
        p_value_anytime=lift.p_value_anytime,
        status=stats.judge_guardrail(lift, family=family),
        unavailable=dict(lift.unavailable),
    )

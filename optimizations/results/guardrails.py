"""Further readings of the stored counts: guardrails, history, series, mix."""

from typing import Any

from metrics import stats
from metrics.models import Metric
from optimizations.cube import refresh
from optimizations.models import Optimization
from optimizations.results import measured_lift

Json = dict[str, Any]


def judge_guardrails(optimization: Optimization) -> list[Json]:
    """Judge every guardrail metric; counts are those of the last refresh."""
    guards = list(optimization.guardrail_metrics.order_by("name", "pk"))
    return [_judge_guardrail(optimization, metric, len(guards)) for metric in guards]


def _judge_guardrail(optimization: Optimization, metric: Metric, family: int) -> Json:
    observed = refresh.load_cube(optimization, metric)
    lift = measured_lift.compare_arms(optimization, metric, observed).lift
    return {
        "metric_id": metric.pk,
        "name": metric.name,
        "direction": metric.direction,
        "holdout_rate": lift.holdout_rate,
        "optimization_rate": lift.optimization_rate,
        "lift_percent": lift.lift_percent,
        "lift_ci": lift.lift_ci,
        "lift_ci_anytime": lift.lift_ci_anytime,
        "p_value": lift.p_value,
        "p_value_anytime": lift.p_value_anytime,
        "status": stats.judge_guardrail(lift, family=family),
        "unavailable": dict(lift.unavailable),
    }

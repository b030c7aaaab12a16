"""When an optimization is going to be decided: from its counts, its model and its traffic."""

from collections.abc import Mapping
from typing import Any, cast

from metrics import stats
from metrics.stats import DecisionForecast, ForecastInputs, RewardType
from metrics.stats.forecast import MAX_DAYS
from metrics.stats.normal import CRITICAL
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import measured_lift, model_effects

RECENT_DAYS = 7  # whole days
NOT_LEARNING = "nothing is learned: this optimization is {}"
BEYOND_FORECAST = f"beyond {MAX_DAYS} days"
NO_WHOLE_DAY = "no whole day of traffic has been counted yet"


def forecast_decision(
    optimization: Optimization, report: Mapping[str, Any], observed: ObservationCube
) -> DecisionForecast:
    """Foretell when the anytime interval of the measured lift excludes zero.

    The effect of days to come is the model's: the current allocation against the
    baseline. Traffic goes on as on the last whole days, seven at most, with the holdout
    as it is now. See metrics.stats.outlook.
    """
    reason = _explain_missing_effect(optimization, report)
    users = _estimate_daily_users(observed)
    if reason or users is None:
        return DecisionForecast(None, reason=reason or NO_WHOLE_DAY)
    metric = optimization.reward_metric
    assert metric is not None  # the database refuses a live one without
    effect = report["estimated_improvement"]
    coming = ForecastInputs(
        effect=effect["mean"],
        error=(effect["hi"] - effect["lo"]) / (2 * CRITICAL),
        users=users,
        holdout_share=optimization.holdout_percentage / 100,
    )
    return stats.forecast_decision(
        measured_lift.compare_arms(optimization, metric, observed).lift,
        aggregates.compute_strata(
            observed.cells, cast("RewardType", metric.reward_type)
        ).values(),
        measured_lift.compute_expected_users(optimization, observed),
        coming,
    )


def _explain_missing_effect(
    optimization: Optimization, report: Mapping[str, Any]
) -> str | None:
    if optimization.status != Optimization.Status.LIVE:
        return NOT_LEARNING.format(optimization.status)
    return None if report.get("estimated_improvement") else model_effects.NOT_IN_REPORT


def _estimate_daily_users(observed: ObservationCube) -> float | None:
    """Mean users first touched on the last whole days; the first day is not whole."""
    if observed.as_of is None:
        return None
    today = observed.as_of.date()
    days = aggregates.count_by_key(observed.cells, lambda cell: (today - cell.day).days)
    oldest = max(days, default=0)
    whole = range(1, min(RECENT_DAYS, oldest - 1) + 1) or range(1, oldest + 1)
    counted = [days[ago].users if ago in days else 0 for ago in whole]
    return sum(counted) / len(counted) if counted else None

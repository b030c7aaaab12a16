"""Forecast of the decision of an optimization, from its counts, model and traffic."""

from typing import cast

from metrics import stats
from metrics.stats import DecisionForecast, ForecastInputs, RewardType
from metrics.stats.forecast import MAX_DAYS
from metrics.stats.normal import CRITICAL
from models_app.models import StoredReport
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.lift import measured_lift
from optimizations.results.reasons import NOT_IN_REPORT

RECENT_DAYS = 7  # whole days
NOT_LEARNING = "nothing is learned: this optimization is {}"
BEYOND_FORECAST = f"beyond {MAX_DAYS} days"
RESTS_ON_PRIOR = "the model cannot tell the effect from none yet, so a forecast would rest on the prior"
NO_WHOLE_DAY = "no whole day of traffic has been counted yet"


def forecast_decision(
    optimization: Optimization, report: StoredReport, cube: ObservationCube
) -> DecisionForecast:
    """Forecast when the anytime interval of the measured lift excludes zero.

    The effect on future days is the model's: the current allocation against the
    baseline. Traffic continues as on the last whole days (at most seven), with today's
    holdout percentage. See metrics.stats.forecast. Where the model cannot tell the effect
    from none, future days would be decided by effects that only the prior knows: the
    forecast is withheld, unless it is decided already.
    """
    reason = _explain_missing_effect(optimization, report)
    daily_users = _estimate_daily_users(cube)
    if reason or daily_users is None:
        return DecisionForecast(None, reason=reason or NO_WHOLE_DAY)
    forecast = _forecast_by_model(optimization, report, cube, daily_users)
    effect = report["estimated_improvement"]
    if forecast.days and effect["lo"] < 0 < effect["hi"]:
        return DecisionForecast(None, reason=RESTS_ON_PRIOR)
    return forecast


def _forecast_by_model(
    optimization: Optimization,
    report: StoredReport,
    cube: ObservationCube,
    daily_users: float,
) -> DecisionForecast:
    metric = optimization.reward_metric
    assert metric is not None  # a database constraint on live optimizations
    effect = report["estimated_improvement"]
    inputs = ForecastInputs(
        effect=effect["mean"],
        error=(effect["hi"] - effect["lo"]) / (2 * CRITICAL),
        users=daily_users,
        holdout_share=optimization.holdout_percentage / 100,
    )
    comparison = measured_lift.compare_arms(optimization, metric, cube)
    return stats.forecast_decision(
        comparison.lift,
        aggregates.compute_strata(
            cube.mature_arrays, cast("RewardType", metric.reward_type)
        ).values(),
        comparison.tuning.expected_users,
        inputs,
        holdout_share=comparison.tuning.holdout_share,
    )


def _explain_missing_effect(
    optimization: Optimization, report: StoredReport
) -> str | None:
    if optimization.status != Optimization.Status.LIVE:
        return NOT_LEARNING.format(optimization.status)
    return None if report.get("estimated_improvement") else NOT_IN_REPORT


def _estimate_daily_users(cube: ObservationCube) -> float | None:
    """Return the mean number of new users on the last whole days.

    The first day is not whole; it counts only while there is no other.
    """
    if cube.as_of is None:
        return None
    ages = cube.as_of.date().toordinal() - cube.arrays.day
    counts = aggregates.count_by_key(cube.arrays, ages)
    (oldest,) = max(counts, default=(0,))
    days = range(1, min(RECENT_DAYS, oldest - 1) + 1) or range(1, oldest + 1)
    users = [counts[day,].users if (day,) in counts else 0 for day in days]
    return sum(users) / len(users) if users else None

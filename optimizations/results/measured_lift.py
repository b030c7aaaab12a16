"""Optimized against holdout for one metric of one optimization, from stored cells."""

from dataclasses import asdict, dataclass
from typing import Any, cast

from metrics import stats
from metrics.models import Metric
from metrics.stats import Direction, Lift, RewardType
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Regime

NO_MATURE_USERS_IN_ARM = "no user of this arm is mature yet"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The measured lift, and the same per regime for those who look closer."""

    lift: Lift
    regimes: tuple[dict[str, Any], ...]


def compare_arms(
    optimization: Optimization, metric: Metric | None, observed: ObservationCube
) -> Comparison:
    """Compare the arms: per user, mature users, stratified by regime.

    A draft may have no metric; it has nothing to compare either.
    """
    kind = cast("RewardType", metric.reward_type if metric else "bool")
    strata = aggregates.compute_strata(observed.cells, kind)
    lift = stats.lift.measure_lift(
        strata.values(),
        kind,
        direction=cast("Direction", metric.direction if metric else "increase"),
        expected_users=compute_expected_users(optimization, observed),
    )
    regimes = [
        _format_regime(regime, strata.get(regime.number))
        for regime in optimization.regimes.order_by("number")
    ]
    return Comparison(lift, tuple(regimes))


def compute_expected_users(
    optimization: Optimization, observed: ObservationCube
) -> int:
    """Return how many users the anytime figures are tuned for.

    The first week tells once it is over: tuned to what has come so far, the boundary
    would follow the data, and not hold at all looks.
    """
    if optimization.expected_users is not None:
        return optimization.expected_users
    users = aggregates.count_first_week_users(observed.cells, observed.as_of)
    if users is None:
        return stats.anytime.DEFAULT_EXPECTED_USERS
    return stats.project_users_from_first_week(users)


def _format_regime(regime: Regime, stratum: stats.Stratum | None) -> dict[str, Any]:
    optimized, holdout = stratum or (stats.EMPTY_TOTALS, stats.EMPTY_TOTALS)
    return {
        "number": regime.number,
        "starts_at": regime.starts_at,
        "reason": regime.reason,
        "holdout_percentage": regime.holdout_percentage,
        "optimization_exposures": optimized.users,
        "holdout_exposures": holdout.users,
        "optimization_rate": optimized.mean if optimized.users else None,
        "holdout_rate": holdout.mean if holdout.users else None,
    }


def format_comparison(metric: Metric | None, comparison: Comparison) -> dict[str, Any]:
    """Write a comparison by the names it has in results."""
    lift = comparison.lift
    return {
        "metric_id": metric and metric.pk,
        "metric_name": metric and metric.name,
        "direction": metric and metric.direction,
        "holdout_rate": lift.holdout_rate,
        "optimization_rate": lift.optimization_rate,
        "holdout_exposures": lift.holdout_users,
        "optimization_exposures": lift.optimization_users,
        "difference": lift.difference,
        "difference_ci": lift.difference_ci,
        "difference_ci_anytime": lift.difference_ci_anytime,
        "lift_percent": lift.lift_percent,
        "lift_ci": lift.lift_ci,
        "p_value": lift.p_value,
        "lift_ci_delta": lift.lift_ci_delta,
        "lift_ci_anytime": lift.lift_ci_anytime,
        "p_value_anytime": lift.p_value_anytime,
        "regimes": comparison.regimes,
    }


def explain_nulls(comparison: Comparison) -> dict[str, str]:
    """Return the reason for every null of `shown`, by its full name."""
    named = {
        "holdout_users": "holdout_exposures",
        "optimization_users": "optimization_exposures",
    }
    part = "primary_metric_vs_holdout"
    return {
        f"{part}.{named.get(name, name)}": reason
        for name, reason in comparison.lift.unavailable.items()
    } | {
        f"{part}.regimes[{place}].{name}": NO_MATURE_USERS_IN_ARM
        for place, regime in enumerate(comparison.regimes)
        for name in ("optimization_rate", "holdout_rate")
        if regime[name] is None
    }


def check_traffic(
    optimization: Optimization, observed: ObservationCube
) -> dict[str, Any]:
    """Tell whether traffic split as configured, is mature, and kept its arms."""
    shares = {
        regime.number: regime.holdout_percentage / 100
        for regime in optimization.regimes.order_by("number")
    }
    users = sum(cell.users for cell in observed.cells)
    mature = sum(cell.users for cell in observed.cells if cell.mature)
    ratio = stats.check_sample_ratio(aggregates.compute_splits(observed.cells, shares))
    return {
        "sample_ratio": asdict(ratio),
        "maturity": asdict(stats.check_maturity(mature, users)),
        "crossover": asdict(stats.check_crossover(observed.crossover_users, users)),
        "arm_mismatch": asdict(
            stats.check_arm_mismatch(observed.arm_mismatch_users, users)
        ),
    }

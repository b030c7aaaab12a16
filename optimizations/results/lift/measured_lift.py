"""The measured lift: optimized arm against holdout for one metric, from stored cells."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from metrics import stats
from metrics.models import Metric
from metrics.stats import (
    DailySampleRatio,
    Direction,
    Lift,
    RewardType,
    SampleRatio,
    ShareCheck,
    Stratum,
)
from metrics.stats.means import Interval, OpenInterval
from metrics.stats.normal import ALPHA
from optimizations.configuration import revision_regimes
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Regime
from optimizations.results import count_notes
from optimizations.results.lift import anytime_tuning
from optimizations.results.lift.anytime_tuning import Tuning
from optimizations.results.lift.measured_amounts import (
    CompanionResults,
    MeasuredAmounts,
    RevenueChange,
)
from optimizations.results.reasons import Reasons

NO_MATURE_USERS_IN_ARM = "no user of this arm is mature yet"
RESULT_NAME = "primary_metric_vs_holdout"
OPEN_NOTE = "An end is null where the data do not bound it."


@dataclass(frozen=True, slots=True)
class RegimeResult:
    """One configuration, and the mature users of both arms under it."""

    number: int
    metric_revision: Annotated[int, "By which its users are counted."]
    in_lift: Annotated[bool, "Whether the metric still has this revision."]
    starts_at: datetime
    reason: str
    holdout_percentage: float
    optimization_exposures: int
    holdout_exposures: int
    optimization_rate: float | None
    holdout_rate: float | None


@dataclass(frozen=True, slots=True)
class MeasuredLift:
    """The optimized arm against the holdout, per user: the randomized figure."""

    metric_id: Annotated[UUID | None, "Null if no reward metric is set."]
    metric_name: str | None
    direction: str | None
    holdout_rate: float | None
    optimization_rate: float | None
    holdout_exposures: Annotated[int, "Users."]
    optimization_exposures: Annotated[int, "Users."]
    difference: Annotated[float | None, "Per user, in units of the value."]
    difference_ci: Annotated[OpenInterval | None, OPEN_NOTE]
    difference_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    lift_percent: float | None
    lift_ci: Interval | None
    p_value: float | None
    lift_ci_delta: Interval | None
    lift_ci_anytime: Interval | None
    p_value_anytime: float | None
    companions: Annotated[CompanionResults | None, "Of amounts (numeric) only."]
    cap: Annotated[
        float | None,
        "What capped revenue counts at most of one user, fixed after the first week.",
    ]
    changed: RevenueChange | None
    regimes: list[RegimeResult]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The measured lift, the arms under each regime, and where anytime figures are tightest.

    `never_counted` is why there are no counts at all, if there are none.
    """

    lift: Lift
    regimes: list[RegimeResult]
    tuning: Tuning
    never_counted: str | None = None


def compare_arms(
    optimization: Optimization,
    metric: Metric | None,
    cube: ObservationCube,
    *,
    anytime_alpha: float = ALPHA,
) -> Comparison:
    """Compare the arms by one value per mature user, stratified by regime.

    `anytime_alpha` is the error of the anytime intervals, both sides together. A draft may have no metric; then there is nothing to compare either.
    """
    kind = cast("RewardType", metric.reward_type if metric else "bool")
    strata = aggregates.compute_strata(cube.mature_arrays, kind)
    earlier = aggregates.compute_strata(cube.earlier_arrays, kind)
    regimes = list(optimization.regimes.all())  # by number
    tuning = anytime_tuning.find_tuning(optimization, cube, regimes)
    lift = stats.lift.measure_lift(
        strata.values(),
        kind,
        direction=cast("Direction", metric.direction if metric else "increase"),
        expected_users=tuning.expected_users,
        holdout_share=tuning.holdout_share,
        anytime_alpha=anytime_alpha,
    )
    revisions = revision_regimes.find_revisions(regimes, metric) if metric else {}
    shown = strata | earlier
    results = [
        _build_regime(regime, revisions, shown.get(regime.number)) for regime in regimes
    ]
    if optimization.went_live_at is None:
        return Comparison(lift, results, tuning)
    never_counted = count_notes.explain_never_counted(cube)
    if never_counted is not None:
        reasons = dict.fromkeys(lift.unavailable, never_counted)
        lift = replace(lift, unavailable=reasons)
    return Comparison(lift, results, tuning, never_counted)


def _build_regime(
    regime: Regime, revisions: Mapping[int, int], stratum: Stratum | None
) -> RegimeResult:
    optimized, holdout = stratum or (stats.EMPTY_TOTALS, stats.EMPTY_TOTALS)
    present = revisions[max(revisions)] if revisions else None
    return RegimeResult(
        number=regime.number,
        metric_revision=revisions.get(regime.number, regime.metric_revision),
        in_lift=revisions.get(regime.number) == present,
        starts_at=regime.starts_at,
        reason=regime.reason,
        holdout_percentage=regime.holdout_percentage,
        optimization_exposures=optimized.users,
        holdout_exposures=holdout.users,
        optimization_rate=optimized.mean if optimized.users else None,
        holdout_rate=holdout.mean if holdout.users else None,
    )


def build_measured_lift(
    metric: Metric | None, comparison: Comparison, amounts: MeasuredAmounts
) -> MeasuredLift:
    """Return a comparison under the names that it has in results."""
    lift = comparison.lift
    return MeasuredLift(
        metric_id=metric.pk if metric else None,
        metric_name=metric.name if metric else None,
        direction=metric.direction if metric else None,
        holdout_rate=lift.holdout_rate,
        optimization_rate=lift.optimization_rate,
        holdout_exposures=lift.holdout_users,
        optimization_exposures=lift.optimization_users,
        difference=lift.difference,
        difference_ci=lift.difference_ci,
        difference_ci_anytime=lift.difference_ci_anytime,
        lift_percent=lift.lift_percent,
        lift_ci=lift.lift_ci,
        p_value=lift.p_value,
        lift_ci_delta=lift.lift_ci_delta,
        lift_ci_anytime=lift.lift_ci_anytime,
        p_value_anytime=lift.p_value_anytime,
        companions=amounts.companions,
        cap=amounts.cap,
        changed=amounts.changed,
        regimes=comparison.regimes,
    )


def explain_nulls(comparison: Comparison, amounts: MeasuredAmounts) -> Reasons:
    """Return the reason for every null of the measured lift, by its full name."""
    api_names = {
        "holdout_users": "holdout_exposures",
        "optimization_users": "optimization_exposures",
    }
    never_counted = comparison.never_counted
    return {
        f"{RESULT_NAME}.{api_names.get(name, name)}": never_counted or reason
        for name, reason in [
            *comparison.lift.unavailable.items(),
            *amounts.unavailable.items(),
        ]
    } | {
        f"{RESULT_NAME}.regimes[{place}].{name}": never_counted
        or NO_MATURE_USERS_IN_ARM
        for place, regime in enumerate(comparison.regimes)
        for name in ("optimization_rate", "holdout_rate")
        if getattr(regime, name) is None
    }


def check_traffic(
    optimization: Optimization, cube: ObservationCube
) -> Mapping[str, SampleRatio | DailySampleRatio | ShareCheck]:
    """Check whether users split as configured, are mature, and stayed in their arms.

    Who was held out has nothing to do with the metric: the split is that of the users of
    all its revisions, so that no change of it hides users who were lost.
    """
    shares = {
        regime.number: regime.holdout_percentage / 100
        for regime in optimization.regimes.all()
    }
    cells = cube.arrays
    users = int(cells.users.sum())
    exposures = int(cells.exposures.sum()) + cube.blank_exposures
    mature = int(cells.users[cells.mature].sum())
    return {
        "sample_ratio": stats.check_sample_ratio(
            aggregates.compute_splits(cube.split_arrays, shares)
        ),
        "sample_ratio_daily": stats.check_daily_sample_ratio(
            aggregates.compute_day_splits(cube.split_arrays, shares)
        ),
        "maturity": stats.check_maturity(mature, users),
        "crossover": stats.check_crossover(cube.crossover_users, users),
        "arm_mismatch": stats.check_arm_mismatch(cube.arm_mismatch_users, users),
        "blank_id": stats.check_blank_ids(cube.blank_exposures, exposures),
    }

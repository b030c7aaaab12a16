"""Both arms by day of first touch and regime, and the lift that belongs to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from metrics import stats
from metrics.models import Metric
from metrics.stats import DayTotals, Interval
from optimizations.cube import aggregates
from optimizations.models import Optimization
from optimizations.results import count_notes, stored
from optimizations.results.health import health_records
from optimizations.results.health.health import Health
from optimizations.results.lift import measured_lift
from optimizations.results.stored import StoredCubes

REWARD_KEY = "reward"
NOT_LIVE = "this optimization has not been live: nothing is observed"
STRATIFIED_NOTE = (
    "The measured lift of these users, stratified by regime. Sums over days are no "
    "comparison of the arms once their shares have changed."
)


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Sums over the mature users of one arm."""

    exposures: Annotated[int, "Users."]
    rewardsValueSum: float  # noqa: N815 - the name in the API
    rewardsValueSumSq: float  # noqa: N815 - the name in the API


@dataclass(frozen=True, slots=True)
class DailyArms:
    """Both arms on one day of first touch, under one regime."""

    date: date
    regime: Annotated[int, "A day on which the configuration changed has several rows."]
    expected_share: Annotated[float, "0 to 1: the holdout's share by the regime."]
    holdout: ArmSums
    levered: ArmSums


@dataclass(frozen=True, slots=True)
class StratifiedLift:
    """The measured lift, with its interval at one look."""

    lift_percent: float | None
    lift_ci: Interval | None
    unavailable: dict[str, str]


@dataclass(frozen=True, slots=True)
class MetricDaily:
    """The days of one metric."""

    key: Annotated[str, "`reward`, or the id of a guardrail metric."]
    as_of: Annotated[datetime | None, "When the warehouse last counted this metric."]
    daily: list[DailyArms]
    stratified: Annotated[StratifiedLift, STRATIFIED_NOTE]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class HoldoutDaily:
    """Both arms by day of first touch and regime, for every metric."""

    health: Health
    as_of: Annotated[datetime | None, "When the warehouse last counted the reward."]
    stratified: Annotated[StratifiedLift, f"Of the reward. {STRATIFIED_NOTE}"]
    metrics: list[MetricDaily]


def build_holdout_daily(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> HoldoutDaily:
    """Return both arms' sums by day of first touch, for the reward and each guardrail.

    They cover mature users with one value per user, as the measured lift does:
    `exposures` are users.
    """
    health = health_records.load_health(optimization)
    if optimization.went_live_at is None:
        unavailable = dict.fromkeys(("lift_percent", "lift_ci"), NOT_LIVE)
        return HoldoutDaily(health, None, StratifiedLift(None, None, unavailable), [])
    cubes = cubes or StoredCubes(optimization)
    reward = stored.require_reward_metric(optimization)
    shares = {
        regime.number: regime.holdout_percentage / 100
        for regime in optimization.regimes.all()
    }
    guardrails = optimization.guardrail_metrics.order_by("name", "pk")
    rewarded = _build_metric(optimization, cubes, REWARD_KEY, reward, shares)
    guarded = [
        _build_metric(optimization, cubes, str(guardrail.pk), guardrail, shares)
        for guardrail in guardrails
    ]
    return HoldoutDaily(
        health, rewarded.as_of, rewarded.stratified, [rewarded, *guarded]
    )


def _build_metric(
    optimization: Optimization,
    cubes: StoredCubes,
    key: str,
    metric: Metric,
    shares: Mapping[int, float],
) -> MetricDaily:
    cube = cubes.load_cube(metric)
    lift = measured_lift.compare_arms(optimization, metric, cube).lift
    return MetricDaily(
        key=key,
        as_of=cube.as_of,
        daily=[
            _build_day(row, shares[row.regime])
            for row in aggregates.compute_day_totals(
                cube.mature_arrays, metric.reward_type
            )
        ],
        stratified=StratifiedLift(
            lift_percent=lift.lift_percent,
            lift_ci=lift.lift_ci,
            unavailable={
                name: lift.unavailable[name]
                for name in ("lift_percent", "lift_ci")
                if name in lift.unavailable
            },
        ),
        notes=count_notes.list_notes(cube),
    )


def _build_day(row: DayTotals, share: float) -> DailyArms:
    return DailyArms(
        date=row.day,
        regime=row.regime,
        expected_share=share,
        holdout=_sum_arm(row.holdout),
        levered=_sum_arm(row.optimized),
    )


def _sum_arm(totals: stats.Totals) -> ArmSums:
    return ArmSums(totals.users, totals.value_sum, totals.value_sum_squares)

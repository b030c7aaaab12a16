"""Results by day: what was published each day, and the daily sums of both arms."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from metrics import stats
from metrics.stats import Interval
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, PublishedDay
from optimizations.results import health_records, stored
from optimizations.results.health import Health, HealthReason
from optimizations.results.stored import StoredCubes

REWARD_KEY = "reward"
NOT_PUBLISHED = "this figure was not published on that day"
LIFT_FIGURES = (
    *("measured_lift_ci", "best_lift_percent", "best_lift_interval"),
    *("policy_lift_percent", "policy_lift_interval", "measured_lift_percent"),
)


@dataclass(frozen=True, slots=True)
class LiftHistoryDay:
    """The lift as it was published on a day."""

    date: date
    health: Annotated[
        Health | None, "As published on that day. Null for days of earlier versions."
    ]
    unavailable: dict[str, str]
    measured_lift_ci: Interval | None
    best_lift_percent: float | None
    best_lift_interval: Interval | None
    policy_lift_percent: float | None
    policy_lift_interval: Interval | None
    measured_lift_percent: float | None


@dataclass(frozen=True, slots=True)
class LiftHistory:
    """The lift, day by day, oldest first; `health` is that of now."""

    health: Health
    daily: list[LiftHistoryDay]


@dataclass(frozen=True, slots=True)
class ArmSums:
    """Sums over the mature users of one arm."""

    exposures: Annotated[int, "Users."]
    rewardsValueSum: float  # noqa: N815 - the name in the API
    rewardsValueSumSq: float  # noqa: N815 - the name in the API


@dataclass(frozen=True, slots=True)
class DailyArms:
    """Both arms on one day of first touch."""

    date: date
    holdout: ArmSums
    levered: ArmSums


@dataclass(frozen=True, slots=True)
class MetricDaily:
    """The days of one metric."""

    key: Annotated[str, "`reward`, or the id of a guardrail metric."]
    daily: list[DailyArms]


@dataclass(frozen=True, slots=True)
class HoldoutDaily:
    """Both arms by day of first touch, for every metric."""

    health: Health
    metrics: list[MetricDaily]


def publish_day(
    optimization: Optimization, figures: dict[str, Any], now: datetime
) -> None:
    """Store today's figures (UTC) as published. Past days never change."""
    PublishedDay.objects.update_or_create(
        optimization=optimization,
        day=now.astimezone(UTC).date(),
        defaults={"figures": figures, "published_at": now},
    )


def build_lift_history(optimization: Optimization) -> LiftHistory:
    """Return modeled and measured lift, each day as it was published that day."""
    days = optimization.published_days.order_by("day")
    return LiftHistory(
        health_records.load_health(optimization),
        [_read_published_day(day.day, day.figures) for day in days],
    )


def encode_health(health: Health) -> dict[str, Any]:
    """Return a health as a published day stores it."""
    as_of = health.as_of
    return asdict(health) | {"as_of": as_of and as_of.isoformat()}


def _decode_health(document: Mapping[str, Any]) -> Health:
    as_of = document["as_of"]
    return Health(
        document["status"],
        [HealthReason(**reason) for reason in document["reasons"]],
        as_of and datetime.fromisoformat(as_of),
    )


def _read_published_day(day: date, figures: Mapping[str, Any]) -> LiftHistoryDay:
    # Days stored by earlier versions may lack figures and reasons.
    missing = (name for name in (*LIFT_FIGURES, "health") if name not in figures)
    unavailable = dict.fromkeys(missing, NOT_PUBLISHED) | figures.get("unavailable", {})
    lifts = {name: figures.get(name) for name in LIFT_FIGURES}
    document = figures.get("health")
    health = None if document is None else _decode_health(document)
    return LiftHistoryDay(date=day, health=health, unavailable=unavailable, **lifts)


def build_holdout_daily(
    optimization: Optimization, cubes: StoredCubes | None = None
) -> HoldoutDaily:
    """Return both arms' sums by day of first touch, for the reward and each guardrail.

    They cover mature users with one value per user, as the measured lift does:
    `exposures` are users.
    """
    health = health_records.load_health(optimization)
    if optimization.went_live_at is None:
        return HoldoutDaily(health, [])
    reward = stored.require_reward_metric(optimization)
    guardrails = optimization.guardrail_metrics.order_by("name", "pk")
    metrics = [
        (REWARD_KEY, reward),
        *((str(guardrail.pk), guardrail) for guardrail in guardrails),
    ]
    cubes = cubes or StoredCubes(optimization)
    return HoldoutDaily(
        health,
        [
            MetricDaily(key, _sum_by_day(cubes.load_cube(metric), metric.reward_type))
            for key, metric in metrics
        ],
    )


def _sum_by_day(cube: ObservationCube, kind: str) -> list[DailyArms]:
    holdout: defaultdict[date, stats.Totals] = defaultdict(lambda: stats.EMPTY_TOTALS)
    optimized: defaultdict[date, stats.Totals] = defaultdict(lambda: stats.EMPTY_TOTALS)
    for row in aggregates.compute_day_totals(cube.arrays, kind):
        holdout[row.day] += row.holdout
        optimized[row.day] += row.optimized
    return [
        DailyArms(day, _sum_arm(holdout[day]), _sum_arm(optimized[day]))
        for day in sorted(holdout)
    ]


def _sum_arm(totals: stats.Totals) -> ArmSums:
    return ArmSums(totals.users, totals.value_sum, totals.value_sum_squares)

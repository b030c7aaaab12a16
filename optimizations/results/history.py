"""Results by day: what was published each day, and both arms' daily sums."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from metrics import stats
from metrics.models import Metric
from optimizations.cube import aggregates, refresh
from optimizations.models import Optimization, PublishedDay
from optimizations.results import stored

Json = dict[str, Any]


def publish_day(optimization: Optimization, figures: Json, now: datetime) -> None:
    """Keep today's figures (UTC) as published; a day that has passed is never touched."""
    PublishedDay.objects.update_or_create(
        optimization=optimization,
        day=now.astimezone(UTC).date(),
        defaults={"figures": figures, "published_at": now},
    )


def build_lift_history(optimization: Optimization) -> list[Json]:
    """Return modeled and measured lift, each day as it was published that day."""
    return [
        {
            "date": day.day,
            "unavailable": {},  # days of before reasons were kept have none
            **{name: value for name, value in day.figures.items() if name != "winner"},
        }
        for day in optimization.published_days.order_by("day")
    ]


def build_holdout_daily(optimization: Optimization) -> list[Json]:
    """Return both arms' sums by day of first touch, for the reward and each guardrail.

    Of mature users, one value per user, as in the measured lift: `exposures` are users.
    """
    if optimization.went_live_at is None:
        return []
    reward = stored.require_reward_metric(optimization)
    guards = optimization.guardrail_metrics.order_by("name", "pk")
    return [
        {"key": key, "daily": _sum_by_day(optimization, metric)}
        for key, metric in [
            ("reward", reward),
            *((str(each.pk), each) for each in guards),
        ]
    ]


def _sum_by_day(optimization: Optimization, metric: Metric) -> list[Json]:
    cells = refresh.load_cube(optimization, metric).cells
    days: defaultdict[date, list[stats.Totals]] = defaultdict(
        lambda: [stats.EMPTY_TOTALS, stats.EMPTY_TOTALS]
    )
    for row in aggregates.compute_day_totals(cells, metric.reward_type):
        days[row.day][0] += row.holdout
        days[row.day][1] += row.optimized
    return [
        {
            "date": day,
            "holdout": _format_arm_totals(holdout),
            "levered": _format_arm_totals(optimized),
        }
        for day, (holdout, optimized) in sorted(days.items())
    ]


def _format_arm_totals(arm: stats.Totals) -> Json:
    return {
        "exposures": arm.users,
        "rewardsValueSum": arm.value_sum,
        "rewardsValueSumSq": arm.value_sum_squares,
    }

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


def publish(optimization: Optimization, figures: Json, now: datetime) -> None:
    """Keep today's figures (UTC) as published; a day that has passed is never touched."""
    PublishedDay.objects.update_or_create(
        optimization=optimization,
        day=now.astimezone(UTC).date(),
        defaults={"figures": figures, "published_at": now},
    )


def lift_history(optimization: Optimization) -> list[Json]:
    """Return modeled and measured lift, each day as it was published that day."""
    return [
        {
            "date": day.day,
            "unavailable": {},  # days of before reasons were kept have none
            **{name: value for name, value in day.figures.items() if name != "winner"},
        }
        for day in optimization.published_days.order_by("day")
    ]


def holdout_daily(optimization: Optimization) -> list[Json]:
    """Return both arms' sums by day of first touch, for the reward and each guardrail.

    Of mature users, one value per user, as in the measured lift: `exposures` are users.
    """
    if optimization.went_live_at is None:
        return []
    reward = stored.primary(optimization)
    guards = optimization.guardrail_metrics.order_by("name", "pk")
    return [
        {"key": key, "daily": _daily(optimization, metric)}
        for key, metric in [
            ("reward", reward),
            *((str(each.pk), each) for each in guards),
        ]
    ]


def _daily(optimization: Optimization, metric: Metric) -> list[Json]:
    cells = refresh.read(optimization, metric).cells
    days: defaultdict[date, list[stats.Totals]] = defaultdict(
        lambda: [stats.EMPTY, stats.EMPTY]
    )
    for row in aggregates.days(cells, metric.reward_type):
        days[row.day][0] += row.holdout
        days[row.day][1] += row.optimized
    return [
        {"date": day, "holdout": _sums(holdout), "levered": _sums(optimized)}
        for day, (holdout, optimized) in sorted(days.items())
    ]


def _sums(arm: stats.Totals) -> Json:
    return {
        "exposures": arm.users,
        "rewardsValueSum": arm.value_sum,
        "rewardsValueSumSq": arm.value_sum_squares,
    }

"""Further readings of the stored counts: guardrails, history, series, mix."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from metrics import stats
from metrics.models import Metric
from models_app.bandit.design import Design
from optimizations import comparison, cube, results, tallies
from optimizations.models import Optimization, PublishedDay
from warehouse.sql.cube import Cell

Json = dict[str, Any]
FAILURE, CONVERTED = "failure", "__converted__"


def guardrails(optimization: Optimization) -> list[Json]:
    """Judge every guardrail metric; counts are those of the last refresh."""
    guards = list(optimization.guardrail_metrics.order_by("name", "pk"))
    return [_guardrail(optimization, metric, len(guards)) for metric in guards]


def _guardrail(optimization: Optimization, metric: Metric, family: int) -> Json:
    observed = cube.read(optimization, metric)
    lift = comparison.of(optimization, metric, observed).lift
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
        "status": stats.guardrail(lift, family=family),
        "unavailable": dict(lift.unavailable),
    }


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
    reward = results.primary(optimization)
    guards = optimization.guardrail_metrics.order_by("name", "pk")
    return [
        {"key": key, "daily": _daily(optimization, metric)}
        for key, metric in [
            ("reward", reward),
            *((str(each.pk), each) for each in guards),
        ]
    ]


def _daily(optimization: Optimization, metric: Metric) -> list[Json]:
    cells = cube.read(optimization, metric).cells
    days: defaultdict[date, list[stats.Totals]] = defaultdict(
        lambda: [stats.EMPTY, stats.EMPTY]
    )
    for row in tallies.days(cells, metric.reward_type):
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


def outcome_mix(optimization: Optimization) -> Json:
    """Return users by day, arm, variant, outcome and context, mature or not."""
    cells = results.stored(optimization).cells
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    metric = optimization.reward_metric
    outcomes = [
        {"key": outcome["key"], "weight": outcome["weight"]}
        for outcome in (metric and metric.outcomes) or ()
    ]
    design = optimization.model.design
    return {
        "outcomes": outcomes or [{"key": CONVERTED, "weight": 1.0}],
        "rows": [
            {
                "day": day,
                "in_holdout": holdout,
                "variant": keys[number],
                "outcome_key": outcome,
                "users": users,
                "context": _context(design, context),
            }
            for (day, holdout, number, outcome, context), users in _mix(cells)
            if number in keys and users
        ],
    }


Place = tuple[date, bool, int, str, int]


def _mix(cells: Iterable[Cell]) -> list[tuple[Place, int]]:
    found: defaultdict[Place, int] = defaultdict(int)
    for cell in cells:
        place = (cell.day, cell.holdout, cell.variant)
        if cell.outcome is not None:
            found[*place, cell.outcome, cell.context] += cell.users
        else:
            found[*place, CONVERTED, cell.context] += cell.converted
            found[*place, FAILURE, cell.context] += cell.users - cell.converted
    return sorted(found.items())


def _context(design: Design, context: int) -> Json:
    row = design.context_levels[context]
    return {
        factor.name: design.level_name(at, int(row[at]))
        for at, factor in enumerate(design.contexts)
    }

"""Further readings of the stored counts: progress, guardrails, history, series, mix."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from django.utils import timezone

from metrics import stats
from metrics.models import Metric
from models_app import versions
from models_app.bandit.design import Design
from optimizations import comparison, cube, modeled, results, tallies
from optimizations.models import Optimization, PublishedDay
from warehouse.sql.cube import Cell

Json = dict[str, Any]
LEARNED = ("estimated_progress", "winner", "stable_since")
FAILURE, CONVERTED = "failure", "__converted__"


def progress(optimization: Optimization) -> Json:
    """Tell how far it is: users of both arms, the winner so far, since when it leads.

    The winner is the variant with the largest share of the optimized arm's traffic by
    the policy of the last training; `stable_since` the first of the published days that
    named no other since.
    """
    metric = results.primary(optimization)
    observed = cube.read(optimization, metric)
    report = versions.active(optimization.model).report or {}
    distrusted = report and modeled.distrust(report, observed, metric)
    arms = tallies.counts(observed.cells, lambda cell: cell.holdout)
    ended = optimization.ended_at or optimization.shipped_at or timezone.now()
    assert optimization.went_live_at is not None
    return {
        "days_running": max((ended - optimization.went_live_at).days, 0),
        "users": {
            "optimized": arms.get(False, tallies.Counts()).users,
            "holdout": arms.get(True, tallies.Counts()).users,
        },
        "conversions": sum(counted.conversions for counted in arms.values()),
        "estimated_progress": None if distrusted else report.get("estimated_progress"),
        "winner": winner(report),
        "stable_since": _stable_since(optimization),
        "days_to_decision": None,
        "unavailable": {"days_to_decision": modeled.NOT_YET}
        | ({} if report else dict.fromkeys(LEARNED, modeled.NOT_TRAINED))
        | ({"estimated_progress": distrusted} if distrusted else {}),
    }


def winner(report: Json) -> Json | None:
    """Return the variant with the largest weight, and its share of the optimized arm."""
    rows = report.get("variants", ())
    weights = {row["number"]: row["weight"] for row in rows}
    total = sum(weights.values())
    if not total:
        return None
    number = max(weights, key=lambda each: (weights[each], -each))
    return {"number": number, "share": weights[number] / total}


def _stable_since(optimization: Optimization) -> date | None:
    days = optimization.published_days.order_by("-day").values_list(
        "day", "figures__winner"
    )
    since, leader = None, None
    for day, number in days:
        if leader is not None and number != leader:
            break
        since, leader = day, number
    return since


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
        "p_value": lift.p_value,
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
            **{name: value for name, value in day.figures.items() if name != "winner"},
        }
        for day in optimization.published_days.order_by("day")
    ]


def holdout_daily(optimization: Optimization) -> list[Json]:
    """Return both arms' sums by day of first touch, for the reward and each guardrail.

    Of mature users, one value per user, as in the measured lift: `exposures` are users.
    """
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
    metric = results.primary(optimization)
    cells = cube.read(optimization, metric).cells
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    outcomes = [
        {"key": outcome["key"], "weight": outcome["weight"]}
        for outcome in metric.outcomes or ()
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

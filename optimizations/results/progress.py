"""How far an optimization is: users, the winner so far, when it is going to be decided."""

from datetime import date
from math import isclose
from typing import Any

from django.utils import timezone

from metrics.stats import DecisionForecast
from models_app import versions
from models_app.state import NOT_TRAINED
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import decision_forecast, modeled, stored

Json = dict[str, Any]
TRAINED_FIELDS = ("estimated_progress", "winner", "stable_since")
EQUAL_SHARES = "all variants get the same share: there is no winner"
POLICY_CHANGED = "the policy changed since it was last published"
FORECAST_FIELDS = ("days_to_decision", "days_to_decision_interval")


def build_progress(optimization: Optimization) -> Json:
    """Tell how far it is, from stored counts and the report of the last training.

    The winner is the variant with the largest share of the optimized arm's traffic by
    the policy of the last training, where not all get the same; `stable_since` the first
    of the published days that all named it since; `days_to_decision` as `outlook.of`
    foretells.
    """
    observed = stored.load_reward_cube(optimization)
    version = versions.find_serving_version(optimization.model)
    report = (version and version.report) or {}
    distrusted = _find_distrust_reason(optimization, report, observed)
    arms = aggregates.count_by_key(observed.cells, lambda cell: cell.holdout)
    coming = _forecast_decision(optimization, report, observed, distrusted)
    leader = find_winner(report)
    since = _find_stable_since(optimization, leader)
    return {
        "days_running": _count_days_running(optimization),
        "users": {
            "optimized": arms.get(False, aggregates.Counts()).users,
            "holdout": arms.get(True, aggregates.Counts()).users,
        },
        "conversions": sum(counted.conversions for counted in arms.values()),
        "estimated_progress": None if distrusted else report.get("estimated_progress"),
        "winner": leader,
        "stable_since": since,
        "days_to_decision": coming.days,
        "days_to_decision_interval": (
            None if coming.days is None else [coming.lo, coming.hi]
        ),
        "unavailable": ({} if report else dict.fromkeys(TRAINED_FIELDS, NOT_TRAINED))
        | ({"estimated_progress": distrusted} if distrusted else {})
        | (_explain_missing_winner(leader, since) if report else {})
        | _explain_missing_forecast(coming),
    }


def find_winner(report: Json) -> Json | None:
    """Return the variant with the largest weight, and its share of the optimized arm.

    None where all that are served get the same: there is none then.
    """
    rows = report.get("variants", ())
    weights = {row["number"]: row["weight"] for row in rows if row["weight"]}
    total = sum(weights.values())
    if not total:
        return None
    if len(weights) > 1 and isclose(min(weights.values()), max(weights.values())):
        return None
    number = max(weights, key=lambda each: (weights[each], -each))
    return {"number": number, "share": weights[number] / total}


def _count_days_running(optimization: Optimization) -> int:
    ended = optimization.ended_at or optimization.shipped_at or timezone.now()
    return max((ended - (optimization.went_live_at or ended)).days, 0)


def _find_distrust_reason(
    optimization: Optimization, report: Json, observed: ObservationCube
) -> str | None:
    if not report:
        return None
    return modeled.find_distrust_reason(
        report, observed, stored.require_reward_metric(optimization)
    )


def _forecast_decision(
    optimization: Optimization,
    report: Json,
    observed: ObservationCube,
    distrusted: str | None,
) -> DecisionForecast:
    if not report or distrusted:
        return DecisionForecast(None, reason=distrusted or NOT_TRAINED)
    return decision_forecast.forecast_decision(optimization, report, observed)


def _explain_missing_forecast(coming: DecisionForecast) -> dict[str, str]:
    if coming.days is None:
        return dict.fromkeys(FORECAST_FIELDS, coming.reason or "")
    if coming.hi is None:
        return {"days_to_decision_interval[1]": decision_forecast.BEYOND_FORECAST}
    return {}


def _find_stable_since(optimization: Optimization, leader: Json | None) -> date | None:
    days = optimization.published_days.order_by("-day").values_list(
        "day", "figures__winner"
    )
    since = None
    for day, number in days:
        if leader is None or number != leader["number"]:
            break
        since = day
    return since


def _explain_missing_winner(leader: Json | None, since: date | None) -> dict[str, str]:
    if leader is None:
        return dict.fromkeys(("winner", "stable_since"), EQUAL_SHARES)
    return {} if since else {"stable_since": POLICY_CHANGED}

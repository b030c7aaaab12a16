"""How far an optimization is: users, the winner so far, when it is going to be decided."""

from datetime import date
from math import isclose
from typing import Any

from django.utils import timezone

from metrics.stats import Outlook
from models_app import versions
from optimizations.cube import aggregates
from optimizations.cube.refresh import Observed
from optimizations.models import Optimization
from optimizations.results import decision_forecast, modeled, stored

Json = dict[str, Any]
LEARNED = ("estimated_progress", "winner", "stable_since")
ALIKE = "all variants get the same share: there is no winner"
CHANGED = "the policy changed since it was last published"
FORETOLD = ("days_to_decision", "days_to_decision_interval")


def of(optimization: Optimization) -> Json:
    """Tell how far it is, from stored counts and the report of the last training.

    The winner is the variant with the largest share of the optimized arm's traffic by
    the policy of the last training, where not all get the same; `stable_since` the first
    of the published days that all named it since; `days_to_decision` as `outlook.of`
    foretells.
    """
    observed = stored.stored(optimization)
    version = versions.serving(optimization.model)
    report = (version and version.report) or {}
    distrusted = _distrust(optimization, report, observed)
    arms = aggregates.counts(observed.cells, lambda cell: cell.holdout)
    coming = _outlook(optimization, report, observed, distrusted)
    leader = winner(report)
    since = _stable_since(optimization, leader)
    return {
        "days_running": _days_running(optimization),
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
        "unavailable": ({} if report else dict.fromkeys(LEARNED, modeled.NOT_TRAINED))
        | ({"estimated_progress": distrusted} if distrusted else {})
        | (_undecided(leader, since) if report else {})
        | _unforetold(coming),
    }


def winner(report: Json) -> Json | None:
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


def _days_running(optimization: Optimization) -> int:
    ended = optimization.ended_at or optimization.shipped_at or timezone.now()
    return max((ended - (optimization.went_live_at or ended)).days, 0)


def _distrust(
    optimization: Optimization, report: Json, observed: Observed
) -> str | None:
    if not report:
        return None
    return modeled.distrust(report, observed, stored.primary(optimization))


def _outlook(
    optimization: Optimization, report: Json, observed: Observed, distrusted: str | None
) -> Outlook:
    if not report or distrusted:
        return Outlook(None, reason=distrusted or modeled.NOT_TRAINED)
    return decision_forecast.of(optimization, report, observed)


def _unforetold(coming: Outlook) -> dict[str, str]:
    if coming.days is None:
        return dict.fromkeys(FORETOLD, coming.reason or "")
    if coming.hi is None:
        return {"days_to_decision_interval[1]": decision_forecast.BEYOND}
    return {}


def _stable_since(optimization: Optimization, leader: Json | None) -> date | None:
    days = optimization.published_days.order_by("-day").values_list(
        "day", "figures__winner"
    )
    since = None
    for day, number in days:
        if leader is None or number != leader["number"]:
            break
        since = day
    return since


def _undecided(leader: Json | None, since: date | None) -> dict[str, str]:
    if leader is None:
        return dict.fromkeys(("winner", "stable_since"), ALIKE)
    return {} if since else {"stable_since": CHANGED}

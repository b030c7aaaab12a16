"""What a report says of factors, levels, pairs and contexts, as the contract names it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.stats import Lift
from optimizations.results.measured_lift_by_context import Level

Json = dict[str, Any]
EARLIER = "not in the report of the last training; the next training adds it"
NO_BASELINE = "the baseline's reward may be nothing: no percentage of it is known"
IGNORED = "learned without this context factor"
NOBODY = "no user with it is mature yet"
MEASURED = ("lift_percent", "lift_ci", "lift_ci_anytime")
IMPROVEMENT = ("estimated_improvement_percent", "estimated_improvement_interval")
OF_THE_REPORT = ("share", *IMPROVEMENT, "best_variant", "prob_best")
DEVIATION = ("deviation", "lo", "hi")
SHARE = ("mean", "lo", "hi")
LEFT_OUT = "the model has too many coefficients and leaves out some of what this is of"


@dataclass(frozen=True, slots=True)
class Structure:
    """The lists of results by their names in the API, and the reason for every null in them."""

    lists: Json
    unavailable: dict[str, str]


def of(
    report: Mapping[str, Any], lifts: Mapping[Level, Lift], distrusted: str | None
) -> Structure:
    """Write a report's lists; `lifts` are the measured ones of each context level.

    Where the model is `distrusted` what it says of lifts and deviations is withheld.
    """
    interactions, why = _interactions(report.get("interactions"), distrusted)
    contexts, why_not = _contexts(report["contexts"], lifts, distrusted)
    importance, unknown = _context_importance(report["context_importance"])
    lists = {
        "factor_importance": [
            {"factor": row["factor"], **row["share"], "kind": "design"}
            for row in report["factor_importance"]
        ],
        "factor_utilities": [
            {"factor": row["factor"], "level": row["level"], **_named(row["effect"])}
            for row in report["factor_utilities"]
        ],
        "interaction_importance": report["interaction_importance"],
        "interactions": interactions,
        "context_importance": importance,
        "contexts": contexts,
    }
    if lists["interaction_importance"] is None:
        unknown["interaction_importance"] = LEFT_OUT
    return Structure(lists, why | why_not | unknown)


def _context_importance(rows: Sequence[Json]) -> tuple[list[Json], dict[str, str]]:
    nothing: Json = dict.fromkeys(SHARE)
    shown = [{"factor": row["factor"], **(row["share"] or nothing)} for row in rows]
    why = {
        f"context_importance[{place}].{name}": LEFT_OUT
        for place, row in enumerate(rows)
        if row["share"] is None
        for name in SHARE
    }
    return shown, why


def _named(effect: Mapping[str, float]) -> Json:
    return {"effect": effect["mean"], "lo": effect["lo"], "hi": effect["hi"]}


def _interactions(
    rows: Sequence[Json] | None, distrusted: str | None
) -> tuple[list[Json] | None, dict[str, str]]:
    if rows is None:
        return None, {"interactions": EARLIER}
    shown: list[Json] = []
    why: dict[str, str] = {}
    for place, row in enumerate(rows):
        found = None if distrusted else row["deviation"]
        kind = None if distrusted else row["kind"]
        deviation = found or {"mean": None, "lo": None, "hi": None}
        nulls = (*(() if found else DEVIATION), *(() if kind else ("kind",)))
        reason = distrusted or row["withheld"]
        why |= {f"interactions[{place}].{name}": reason for name in nulls}
        shown.append(
            {
                "factors": row["factors"],
                "levels": row["levels"],
                "deviation": deviation["mean"],
                "lo": deviation["lo"],
                "hi": deviation["hi"],
                "users": row["users"],
                "kind": kind,
            }
        )
    return shown, why


def _contexts(
    rows: Sequence[Json], lifts: Mapping[Level, Lift], distrusted: str | None
) -> tuple[list[Json], dict[str, str]]:
    shown: list[Json] = []
    why: dict[str, str] = {}
    for place, row in enumerate(rows):
        measured, reasons = _measured(lifts.get((row["factor"], row["level"])))
        modeled, reason = _modeled(row, distrusted)
        reasons |= dict.fromkeys(IMPROVEMENT, reason) if reason else {}
        why |= {f"contexts[{place}].{name}": each for name, each in reasons.items()}
        shown.append(
            {
                "factor": row["factor"],
                "level": row["level"],
                "share": row["share"],
                **measured,
                **modeled,
                "best_variant": row["best_variant"],
                "prob_best": row["prob_best"],
            }
        )
    return _with_unlearned(shown, why, lifts)


def _with_unlearned(
    shown: list[Json], why: dict[str, str], lifts: Mapping[Level, Lift]
) -> tuple[list[Json], dict[str, str]]:
    """Add the measured levels that the report does not know; their lift stays true."""
    factors = {row["factor"] for row in shown}
    known = {(row["factor"], row["level"]) for row in shown}
    for factor, level in sorted(lifts.keys() - known):
        measured, reasons = _measured(lifts[factor, level])
        reason = EARLIER if factor in factors else IGNORED
        reasons |= dict.fromkeys(OF_THE_REPORT, reason)
        why |= {
            f"contexts[{len(shown)}].{name}": each for name, each in reasons.items()
        }
        missing = dict.fromkeys(OF_THE_REPORT)
        shown.append({"factor": factor, "level": level, **measured, **missing})
    return shown, why


def _measured(lift: Lift | None) -> tuple[Json, dict[str, str]]:
    if lift is None:
        return dict.fromkeys(MEASURED), dict.fromkeys(MEASURED, NOBODY)
    reasons = {
        name: lift.unavailable[name] for name in MEASURED if name in lift.unavailable
    }
    return {name: getattr(lift, name) for name in MEASURED}, reasons


def _modeled(row: Mapping[str, Any], distrusted: str | None) -> tuple[Json, str | None]:
    percent, interval = IMPROVEMENT
    found = row.get(percent)
    if distrusted or not found:
        missing = NO_BASELINE if percent in row else EARLIER
        return dict.fromkeys(IMPROVEMENT), distrusted or missing
    return {percent: found["mean"], interval: [found["lo"], found["hi"]]}, None

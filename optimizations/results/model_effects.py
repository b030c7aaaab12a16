"""What a report says of factors, levels, pairs and contexts, as the contract names it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.stats import Lift
from optimizations.results.measured_lift_by_context import FactorLevel

Json = dict[str, Any]
NOT_IN_REPORT = "not in the report of the last training; the next training adds it"
NO_BASELINE = "the baseline's reward may be nothing: no percentage of it is known"
FACTOR_IGNORED = "learned without this context factor"
NO_MATURE_USERS_AT_LEVEL = "no user with it is mature yet"
MEASURED_FIELDS = ("lift_percent", "lift_ci", "lift_ci_anytime")
IMPROVEMENT_FIELDS = ("estimated_improvement_percent", "estimated_improvement_interval")
REPORT_FIELDS = ("share", *IMPROVEMENT_FIELDS, "best_variant", "prob_best")
DEVIATION_FIELDS = ("deviation", "lo", "hi")
SHARE_FIELDS = ("mean", "lo", "hi")
COEFFICIENTS_LEFT_OUT = (
    "the model has too many coefficients and leaves out some of what this is of"
)


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """The lists of results by their names in the API, and the reason for every null in them."""

    lists: Json
    unavailable: dict[str, str]


def build_model_effects(
    report: Mapping[str, Any], lifts: Mapping[FactorLevel, Lift], distrusted: str | None
) -> ModelEffects:
    """Write a report's lists; `lifts` are the measured ones of each context level.

    Where the model is `distrusted` what it says of lifts and deviations is withheld.
    """
    interactions, why = _build_interactions(report.get("interactions"), distrusted)
    contexts, why_not = _build_context_rows(report["contexts"], lifts, distrusted)
    importance, unknown = _build_context_importance(report["context_importance"])
    lists = {
        "factor_importance": [
            {"factor": row["factor"], **row["share"], "kind": "design"}
            for row in report["factor_importance"]
        ],
        "factor_utilities": [
            {
                "factor": row["factor"],
                "level": row["level"],
                **_format_effect(row["effect"]),
            }
            for row in report["factor_utilities"]
        ],
        "interaction_importance": report["interaction_importance"],
        "interactions": interactions,
        "context_importance": importance,
        "contexts": contexts,
    }
    if lists["interaction_importance"] is None:
        unknown["interaction_importance"] = COEFFICIENTS_LEFT_OUT
    return ModelEffects(lists, why | why_not | unknown)


def _build_context_importance(
    rows: Sequence[Json],
) -> tuple[list[Json], dict[str, str]]:
    nothing: Json = dict.fromkeys(SHARE_FIELDS)
    shown = [{"factor": row["factor"], **(row["share"] or nothing)} for row in rows]
    why = {
        f"context_importance[{place}].{name}": COEFFICIENTS_LEFT_OUT
        for place, row in enumerate(rows)
        if row["share"] is None
        for name in SHARE_FIELDS
    }
    return shown, why


def _format_effect(effect: Mapping[str, float]) -> Json:
    return {"effect": effect["mean"], "lo": effect["lo"], "hi": effect["hi"]}


def _build_interactions(
    rows: Sequence[Json] | None, distrusted: str | None
) -> tuple[list[Json] | None, dict[str, str]]:
    if rows is None:
        return None, {"interactions": NOT_IN_REPORT}
    shown: list[Json] = []
    why: dict[str, str] = {}
    for place, row in enumerate(rows):
        found = None if distrusted else row["deviation"]
        kind = None if distrusted else row["kind"]
        deviation = found or {"mean": None, "lo": None, "hi": None}
        nulls = (*(() if found else DEVIATION_FIELDS), *(() if kind else ("kind",)))
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


def _build_context_rows(
    rows: Sequence[Json], lifts: Mapping[FactorLevel, Lift], distrusted: str | None
) -> tuple[list[Json], dict[str, str]]:
    shown: list[Json] = []
    why: dict[str, str] = {}
    for place, row in enumerate(rows):
        measured, reasons = _format_measured_lift(
            lifts.get((row["factor"], row["level"]))
        )
        modeled, reason = _format_modeled_lift(row, distrusted)
        reasons |= dict.fromkeys(IMPROVEMENT_FIELDS, reason) if reason else {}
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
    return _add_unreported_levels(shown, why, lifts)


def _add_unreported_levels(
    shown: list[Json], why: dict[str, str], lifts: Mapping[FactorLevel, Lift]
) -> tuple[list[Json], dict[str, str]]:
    """Add the measured levels that the report does not know; their lift stays true."""
    factors = {row["factor"] for row in shown}
    known = {(row["factor"], row["level"]) for row in shown}
    for factor, level in sorted(lifts.keys() - known):
        measured, reasons = _format_measured_lift(lifts[factor, level])
        reason = NOT_IN_REPORT if factor in factors else FACTOR_IGNORED
        reasons |= dict.fromkeys(REPORT_FIELDS, reason)
        why |= {
            f"contexts[{len(shown)}].{name}": each for name, each in reasons.items()
        }
        missing = dict.fromkeys(REPORT_FIELDS)
        shown.append({"factor": factor, "level": level, **measured, **missing})
    return shown, why


def _format_measured_lift(lift: Lift | None) -> tuple[Json, dict[str, str]]:
    if lift is None:
        return dict.fromkeys(MEASURED_FIELDS), dict.fromkeys(
            MEASURED_FIELDS, NO_MATURE_USERS_AT_LEVEL
        )
    reasons = {
        name: lift.unavailable[name]
        for name in MEASURED_FIELDS
        if name in lift.unavailable
    }
    return {name: getattr(lift, name) for name in MEASURED_FIELDS}, reasons


def _format_modeled_lift(
    row: Mapping[str, Any], distrusted: str | None
) -> tuple[Json, str | None]:
    percent, interval = IMPROVEMENT_FIELDS
    found = row.get(percent)
    if distrusted or not found:
        missing = NO_BASELINE if percent in row else NOT_IN_REPORT
        return dict.fromkeys(IMPROVEMENT_FIELDS), distrusted or missing
    return {percent: found["mean"], interval: [found["lo"], found["hi"]]}, None

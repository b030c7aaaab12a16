"""Results on each level of a context factor: measured lift beside the model's figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from metrics.stats import Interval, Lift
from metrics.stats.means import OpenInterval
from optimizations.results.lift.measured_lift import OPEN_NOTE
from optimizations.results.lift.measured_lift_by_context import FactorLevel
from optimizations.results.reasons import (
    NO_BASELINE,
    NOT_IN_REPORT,
    Reasons,
    WithholdingReasons,
    explain_missing_lift,
    read_lift,
)

FACTOR_IGNORED = "the model learned without this context factor"
NO_MATURE_USERS_AT_LEVEL = "no user with this level is mature yet"
MEASURED_FIELDS = (
    *("lift_percent", "lift_ci", "lift_ci_anytime"),
    *("difference", "difference_ci", "difference_ci_anytime"),
)
IMPROVEMENT_FIELDS = ("estimated_improvement_percent", "estimated_improvement_interval")
BEST_FIELDS = ("best_variant", "prob_best")
REPORT_FIELDS = ("share", *IMPROVEMENT_FIELDS, *BEST_FIELDS)


@dataclass(frozen=True, slots=True)
class MeasuredLevels:
    """What was measured at each (factor, level) with users: lift, and share of users."""

    lifts: Mapping[FactorLevel, Lift]
    shares: Mapping[FactorLevel, float]


@dataclass(frozen=True, slots=True)
class ContextResult:
    """One level of a context factor."""

    factor: str
    level: str
    share: Annotated[float | None, "Share of all users so far, whatever their age."]
    lift_percent: Annotated[
        float | None, "Measured among the users with this level, against the holdout."
    ]
    lift_ci: Interval | None
    lift_ci_anytime: Interval | None
    difference: Annotated[
        float | None,
        "Measured likewise, per user, in units of the value: also where no percentage is.",
    ]
    difference_ci: Annotated[OpenInterval | None, OPEN_NOTE]
    difference_ci_anytime: Annotated[OpenInterval | None, OPEN_NOTE]
    estimated_improvement_percent: Annotated[
        float | None,
        "What is served at this level against the baseline, by the model: the median. "
        "Null while the interval includes 0.",
    ]
    estimated_improvement_interval: Interval | None
    best_variant: Annotated[
        int | None, "The enabled variant with the highest prob_best at this level."
    ]
    prob_best: float | None


def build_context_results(
    rows: Sequence[Mapping[str, Any]],
    measured: MeasuredLevels,
    withheld: WithholdingReasons,
) -> tuple[list[ContextResult], Reasons]:
    """Return the reported levels, then the measured ones that the report does not have."""
    reported = {(row["factor"], row["level"]): row for row in rows}
    factors = {factor for factor, _ in reported}
    contexts: list[ContextResult] = []
    unavailable: Reasons = {}
    lifts = measured.lifts
    levels = [*reported, *sorted(lifts.keys() - reported.keys())]
    for place, (factor, level) in enumerate(levels):
        context, reasons = _build_measured_context(
            factor, level, lifts.get((factor, level))
        )
        row = reported.get((factor, level))
        if row is None:
            reason = NOT_IN_REPORT if factor in factors else FACTOR_IGNORED
            reasons |= dict.fromkeys(REPORT_FIELDS, reason)
        else:
            context = _add_reported_fields(context, row, withheld)
            share = measured.shares.get((factor, level), 0.0)
            context = replace(context, share=share)
            reasons |= _explain_missing_improvement(row, withheld.allocation)
            if withheld.allocation:
                reasons |= dict.fromkeys(BEST_FIELDS, withheld.allocation)
        contexts.append(context)
        unavailable |= {
            f"contexts[{place}].{name}": reason for name, reason in reasons.items()
        }
    return contexts, unavailable


def _build_measured_context(
    factor: str, level: str, lift: Lift | None
) -> tuple[ContextResult, Reasons]:
    context = ContextResult(
        factor=factor,
        level=level,
        share=None,
        **{name: getattr(lift, name, None) for name in MEASURED_FIELDS},
        estimated_improvement_percent=None,
        estimated_improvement_interval=None,
        best_variant=None,
        prob_best=None,
    )
    if lift is None:
        return context, dict.fromkeys(MEASURED_FIELDS, NO_MATURE_USERS_AT_LEVEL)
    reasons = lift.unavailable
    return context, {name: reasons[name] for name in MEASURED_FIELDS if name in reasons}


def _add_reported_fields(
    context: ContextResult, row: Mapping[str, Any], withheld: WithholdingReasons
) -> ContextResult:
    percent = row.get("estimated_improvement_percent")
    improvement = None if withheld.allocation else read_lift(percent)
    return replace(
        context,
        estimated_improvement_percent=improvement.median if improvement else None,
        estimated_improvement_interval=improvement.interval if improvement else None,
        best_variant=None if withheld.allocation else row["best_variant"],
        prob_best=None if withheld.allocation else row["prob_best"],
    )


def _explain_missing_improvement(
    row: Mapping[str, Any], withheld: str | None
) -> Reasons:
    percent = "estimated_improvement_percent"
    lift = None if withheld else read_lift(row.get(percent))
    missing = NO_BASELINE if percent in row else NOT_IN_REPORT
    return explain_missing_lift(lift, *IMPROVEMENT_FIELDS, withheld or missing)

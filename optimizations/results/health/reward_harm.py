"""Reasons of a health whose reward, or the amounts of a guardrail, became worse."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import numpy as np

from metrics import revisions, stats
from metrics.models import Metric
from metrics.stats import Direction, Lift, RewardType
from metrics.stats.normal import ALPHA
from optimizations.configuration import revision_regimes
from optimizations.cube import aggregates
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.health import health
from optimizations.results.health.health import HealthReason
from optimizations.results.lift.measured_amounts import (
    CompanionResults,
    MeasuredAmounts,
)
from optimizations.results.lift.measured_lift import Comparison

NEXT = (
    "Do not ship what lost against the baseline. The lift is of all variants that were "
    "served, those that are only explored included: read them by variant, disable those "
    "that harm, or pause; if all do, stop and keep the baseline."
)
NEXT_OF_GUARDRAIL = (
    "Weigh this harm against the lift before you decide. To stop it, disable the variants "
    "that cause it, or pause."
)
NEXT_AFTER_CHANGE = (
    "That harm was measured by what the metric counted then, and nothing has shown since "
    "that it is over: weigh it when you decide. This goes once the reward as it is defined "
    "now shows an improvement."
)
COMPANIONS = {
    "capped_revenue": "the capped amount per user",
    "payer_rate": "the share of users with an amount",
    "typical_payment": "the typical amount",
}
OPPOSITE: dict[Direction, Direction] = {
    "increase": "decrease",
    "decrease": "increase",
}


def describe_harm(
    metric: Metric | None, comparison: Comparison, amounts: MeasuredAmounts
) -> list[HealthReason]:
    """Return the reason if the anytime interval of the lift shows harm, else none.

    It is the rule of guardrails, at the level of the interval that is shown: 95%. So at
    most 2.5% of optimizations without an effect ever have it, however often one looks.
    Of amounts, whose mean a few large ones can hide, the companions show harm, too: that
    adds at most 2.5%.
    """
    lift = comparison.lift
    if metric is None:
        return []
    if stats.judge_guardrail(lift, ALPHA) == "violated":
        message = (
            f"The reward “{metric.name}” is {_describe_side(lift)} than without the "
            "optimization, which is worse: "
            f"{health.describe_difference(lift, metric.reward_type)}."
        )
        return [HealthReason(health.LIFT_NEGATIVE, message, NEXT)]
    figures = _list_harmful_figures(lift, amounts.companions)
    if not figures:
        return []
    message = (
        f"The reward “{metric.name}” is worse than without the optimization, though large "
        f"amounts of a few users may hide it in the mean: {'; '.join(figures)} (98.3% at "
        "all looks together)."
    )
    return [HealthReason(health.LIFT_NEGATIVE, message, NEXT)]


def _list_harmful_figures(lift: Lift, companions: CompanionResults | None) -> list[str]:
    """Return the companions that show harm, in words; none if anything speaks against it.

    Fewer who pay more are no harm: the mean and other companions may show an improvement,
    and the capped amount tells whether both together are less.
    """
    if companions is None or _is_improved(lift):
        return []
    sign = 1.0 if lift.direction == "increase" else -1.0
    capped = companions.capped_revenue.lift_percent
    if capped is not None and sign * capped > 0:
        return []
    figures = []
    for name, words in COMPANIONS.items():
        companion = getattr(companions, name)
        if companion.lift_ci_anytime is None:
            continue
        low, high = companion.lift_ci_anytime
        if min(sign * low, sign * high) > 0:  # an improvement
            return []
        if max(sign * low, sign * high) < 0:
            figures.append(
                f"{words} {companion.lift_percent:+.1f}% [{low:+.1f}%, {high:+.1f}%]"
            )
    return figures


def describe_guardrail_harm(
    metric: Metric, comparison: Comparison, amounts: MeasuredAmounts, share: float
) -> HealthReason | None:
    """Return the reason if the companions of a guardrail show harm that its mean does not.

    `share` is the guardrail's own of the error, which the claim of the companions must
    keep, too. Amounts only: others have no companions.
    """
    lift, changed = comparison.lift, amounts.changed
    if changed is None or stats.judge_guardrail(lift, share) == "violated":
        return None
    if changed.p_value_anytime is None or changed.p_value_anytime > share:
        return None
    figures = _list_harmful_figures(lift, amounts.companions)
    if not figures:
        return None
    message = (
        f"The guardrail “{metric.name}” is harmed, though large amounts of a few users may "
        f"hide it in the mean, by which its status is judged: {'; '.join(figures)} (98.3% at "
        "all looks together)."
    )
    return HealthReason(health.GUARDRAIL_HARM, message, NEXT_OF_GUARDRAIL)


def describe_earlier_harm(
    optimization: Optimization, cube: ObservationCube, comparison: Comparison
) -> list[HealthReason]:
    """Return the reasons of harm by what the reward's metric counted before it changed.

    Changing its SQL begins new figures, but ends no harm. What is known of it stays until
    the present definition shows an improvement.
    """
    metric = optimization.reward_metric
    if metric is None or not cube.earlier_days or _is_improved(comparison.lift):
        return []
    return [
        HealthReason(
            health.LIFT_NEGATIVE,
            f"As it was defined until {ended_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, the "
            f"reward “{metric.name}” was {_describe_side(lift)} than without the "
            f"optimization, which is worse: {health.describe_difference(lift, lift.kind)}.",
            NEXT_AFTER_CHANGE,
        )
        for ended_at, lift in _list_earlier_lifts(
            optimization, metric, cube, comparison
        )
        if stats.judge_guardrail(lift, ALPHA) == "violated"
    ]


def _list_earlier_lifts(
    optimization: Optimization,
    metric: Metric,
    cube: ObservationCube,
    comparison: Comparison,
) -> Iterator[tuple[datetime, Lift]]:
    """Compare the arms by each earlier revision, and say until when it was the present one."""
    definitions = revisions.load_definitions(metric)
    cells = cube.earlier_arrays
    groups = revision_regimes.list_revision_regimes(optimization, metric)
    for group in groups[:-1]:
        definition, ended_at = definitions.get(group.revision), group.spans[-1].ends_at
        if definition is None or ended_at is None:
            continue
        kind = cast("RewardType", definition.reward_type)
        own = cells.select(np.isin(cells.regime, group.numbers))
        lift = stats.lift.measure_lift(
            aggregates.compute_strata(own, kind).values(),
            kind,
            direction=cast("Direction", metric.direction),
            expected_users=comparison.tuning.expected_users,
            holdout_share=comparison.tuning.holdout_share,
        )
        yield ended_at, lift


def _is_improved(lift: Lift) -> bool:
    """Return whether the anytime interval shows an improvement."""
    return stats.judge_guardrail(lift, ALPHA, OPPOSITE[lift.direction]) == "violated"


def _describe_side(lift: Lift) -> str:
    return "lower" if lift.direction == "increase" else "higher"

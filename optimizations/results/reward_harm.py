"""The reason of a health whose reward itself became worse than in the holdout."""

from metrics import stats
from metrics.models import Metric
from metrics.stats import Direction, Lift
from metrics.stats.normal import ALPHA
from optimizations.results import health
from optimizations.results.health import HealthReason
from optimizations.results.measured_amounts import CompanionResults, MeasuredAmounts
from optimizations.results.measured_lift import Comparison

NEXT = (
    "Do not ship what lost against the baseline. The lift is of all variants that were "
    "served, those that are only explored included: read them by variant, disable those "
    "that harm, or pause; if all do, stop and keep the baseline."
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
        verb = "lower" if lift.direction == "increase" else "higher"
        message = (
            f"The reward “{metric.name}” is {verb} than without the optimization, which is "
            f"worse: {health.describe_difference(lift, metric.reward_type)}."
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
    improved: Direction = OPPOSITE[lift.direction]
    if companions is None or stats.judge_guardrail(lift, ALPHA, improved) == "violated":
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

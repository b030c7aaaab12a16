"""The reason of a health whose reward itself became worse than in the holdout."""

from metrics import stats
from metrics.models import Metric
from metrics.stats.normal import ALPHA
from optimizations.results import health
from optimizations.results.health import HealthReason
from optimizations.results.measured_lift import Comparison

NEXT = (
    "Do not ship what lost against the baseline. The lift is of all variants that were "
    "served, those that are only explored included: read them by variant, disable those "
    "that harm, or pause; if all do, stop and keep the baseline."
)


def describe_harm(metric: Metric | None, comparison: Comparison) -> list[HealthReason]:
    """Return the reason if the anytime interval of the lift shows harm, else none.

    It is the rule of guardrails, at the level of the interval that is shown: 95%. So at
    most 2.5% of optimizations without an effect ever have it, however often one looks.
    """
    lift = comparison.lift
    if metric is None or stats.judge_guardrail(lift, ALPHA) != "violated":
        return []
    verb = "lower" if lift.direction == "increase" else "higher"
    return [
        HealthReason(
            health.LIFT_NEGATIVE,
            f"The reward “{metric.name}” is {verb} than without the optimization, which is "
            f"worse: {health.describe_difference(lift, metric.reward_type)}.",
            NEXT,
        )
    ]

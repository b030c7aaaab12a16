"""When an optimization is going to be decided: from its counts, its model and its traffic."""

from collections.abc import Mapping
from typing import Any, cast

from metrics import stats
from metrics.stats import Expected, Kind, Outlook
from metrics.stats.normal import CRITICAL
from metrics.stats.outlook import LONGEST
from optimizations.cube import aggregates
from optimizations.cube.refresh import Observed
from optimizations.models import Optimization
from optimizations.results import measured_lift, model_effects

RECENT = 7  # whole days
NOT_LEARNING = "nothing is learned: this optimization is {}"
BEYOND = f"beyond {LONGEST} days"
NO_WHOLE_DAY = "no whole day of traffic has been counted yet"


def of(
    optimization: Optimization, report: Mapping[str, Any], observed: Observed
) -> Outlook:
    """Foretell when the anytime interval of the measured lift excludes zero.

    The effect of days to come is the model's: the current allocation against the
    baseline. Traffic goes on as on the last whole days, seven at most, with the holdout
    as it is now. See metrics.stats.outlook.
    """
    reason = _missing(optimization, report)
    users = _users_a_day(observed)
    if reason or users is None:
        return Outlook(None, reason=reason or NO_WHOLE_DAY)
    metric = optimization.reward_metric
    assert metric is not None  # the database refuses a live one without
    effect = report["estimated_improvement"]
    coming = Expected(
        effect=effect["mean"],
        error=(effect["hi"] - effect["lo"]) / (2 * CRITICAL),
        users=users,
        holdout_share=optimization.holdout_percentage / 100,
    )
    return stats.days_to_decision(
        measured_lift.of(optimization, metric, observed).lift,
        aggregates.strata(observed.cells, cast("Kind", metric.reward_type)).values(),
        measured_lift.expected_users(optimization, observed),
        coming,
    )


def _missing(optimization: Optimization, report: Mapping[str, Any]) -> str | None:
    if optimization.status != Optimization.Status.LIVE:
        return NOT_LEARNING.format(optimization.status)
    return None if report.get("estimated_improvement") else model_effects.EARLIER


def _users_a_day(observed: Observed) -> float | None:
    """Mean users first touched on the last whole days; the first day is not whole."""
    if observed.as_of is None:
        return None
    today = observed.as_of.date()
    days = aggregates.counts(observed.cells, lambda cell: (today - cell.day).days)
    oldest = max(days, default=0)
    whole = range(1, min(RECENT, oldest - 1) + 1) or range(1, oldest + 1)
    counted = [days[ago].users if ago in days else 0 for ago in whole]
    return sum(counted) / len(counted) if counted else None

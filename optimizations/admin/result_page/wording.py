"""How measured figures are said in a sentence. Pure."""

from dataclasses import dataclass

from levered_site.number_texts import NO_BREAK_SPACE, format_percent, format_significant
from metrics.stats.means import OpenInterval
from optimizations.results.lift.measured_lift import MeasuredLift

EVERY_LOOK = "95% sure, at every look"


@dataclass(frozen=True, slots=True)
class MetricWords:
    """What a sentence needs to know of the reward metric."""

    name: str
    reward_type: str
    is_less_better: bool


def format_mean(mean: float | None, reward_type: str) -> str:
    """Return what a user is worth: a share of users as a percentage."""
    if mean is None:
        return format_percent(None)
    if reward_type == "bool":
        return format_percent(100 * mean)
    return format_significant(mean)


def format_size(percent: float) -> str:
    """Return the size of a change without its sign, as headlines have it."""
    size = abs(percent)
    number = f"{size:.0f}" if size >= 10 else f"{size:.1f}"
    return f"{number}{NO_BREAK_SPACE}%"


def describe_arms(measured: MeasuredLift, metric: MetricWords) -> str:
    """Return what both arms did, without the end of the sentence."""
    optimized, held_out = (
        format_mean(mean, metric.reward_type)
        for mean in (measured.optimization_rate, measured.holdout_rate)
    )
    if metric.reward_type == "bool":
        return (
            f"Of the optimized visitors {optimized} did “{metric.name}”, of the holdout "
            f"{held_out}"
        )
    return (
        f"An optimized visitor brought {optimized} of “{metric.name}”, one of the holdout "
        f"{held_out}"
    )


def describe_interval(measured: MeasuredLift) -> str | None:
    """Return the interval that holds at every look, in words; None without one."""
    if measured.lift_ci_anytime is not None:
        low, high = measured.lift_ci_anytime
        ends = (format_percent(end, signed=True) for end in (low, high))
        return f"{EVERY_LOOK}: between {' and '.join(ends)}"
    if measured.difference_ci_anytime is not None:
        return _describe_difference(measured.difference_ci_anytime)
    return None


def _describe_difference(limits: OpenInterval) -> str | None:
    low, high = (
        None if end is None else format_significant(end, sign="+") for end in limits
    )
    if low is not None and high is not None:
        return f"{EVERY_LOOK}: between {low} and {high} per visitor"
    if low is not None:
        return f"{EVERY_LOOK}: at least {low} per visitor"
    return None if high is None else f"{EVERY_LOOK}: at most {high} per visitor"


def describe_change(measured: MeasuredLift, metric: MetricWords) -> str:
    """Return what the optimization changed, as a headline says it after a colon."""
    percent = measured.lift_percent
    if percent is None:
        difference = format_significant(measured.difference or 0.0, sign="+")
        return f"{difference} of “{metric.name}” per optimized visitor"
    size, more = format_size(percent), "more" if percent > 0 else "less"
    if metric.reward_type != "bool":
        return f"optimized visitors bring {size} {more} of “{metric.name}”"
    if metric.is_less_better:
        return f"“{metric.name}” happens {size} {more} often to optimized visitors"
    return f"optimized visitors convert {size} {more} often"

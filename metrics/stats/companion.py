"""One companion of a mean: a ratio of the arms in percent, or why there is none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from metrics.stats.anytime import Boundary
from metrics.stats.lift_result import TOO_LARGE, to_percent, to_percent_interval
from metrics.stats.means import Interval
from metrics.stats.normal import ALPHA, compute_critical, compute_two_sided_p

COMPANION_COUNT = 3
COMPANION_ALPHA = ALPHA / COMPANION_COUNT
COMPANION_LEVEL = 1 - COMPANION_ALPHA
FIGURES = ("lift_percent", "lift_ci", "lift_ci_anytime")


@dataclass(frozen=True, slots=True)
class Companion:
    """A ratio of the arms in percent; `reasons` say why figures are None.

    `lift_ci` and `p_value` hold for one look, the others for all looks together. Intervals
    are at COMPANION_LEVEL.
    """

    lift_percent: float | None = None
    lift_ci: Interval | None = None
    lift_ci_anytime: Interval | None = None
    p_value: float | None = None
    p_value_anytime: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


def withhold_companion(reason: str) -> Companion:
    """Return a companion without figures."""
    return Companion(reasons=dict.fromkeys(FIGURES, reason))


def compare_logarithms(
    difference: float, error: float, boundary: Boundary
) -> Companion:
    """Return the figures of a difference of logarithms with its standard error above 0."""
    ends = [
        (_exponentiate(difference - half), _exponentiate(difference + half))
        for half in (
            compute_critical(COMPANION_ALPHA) * error,
            boundary.critical * error,
        )
    ]
    return build_companion(
        _exponentiate(difference), (ends[0], ends[1]), difference / error, boundary
    )


def build_companion(
    ratio: float, intervals: tuple[Interval, Interval], z: float, boundary: Boundary
) -> Companion:
    """Return a companion from its ratio, the (one-look, anytime) intervals, and z of 1.

    What is not finite becomes None, with a reason.
    """
    companion = Companion(
        to_percent(ratio),
        to_percent_interval(intervals[0]),
        to_percent_interval(intervals[1]),
        compute_two_sided_p(z),
        boundary.p_value(z),
    )
    blanks = [
        name
        for name, numbers in zip(FIGURES, ((ratio,), *intervals), strict=True)
        if not all(map(math.isfinite, numbers))
    ]
    return replace(
        companion,
        reasons=dict.fromkeys(blanks, TOO_LARGE),
        **dict.fromkeys(blanks, None),
    )


def _exponentiate(logarithm: float) -> float:
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf

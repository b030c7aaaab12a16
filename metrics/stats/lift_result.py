"""The result of a comparison: every figure, or the reason why it is missing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from metrics.stats.means import Interval, OpenInterval

RewardType = Literal["bool", "numeric", "outcomes"]
Direction = Literal["increase", "decrease"]

TOO_LARGE = "the value is too large to be a number"
# An end of these may be missing alone: the other one still says something.
OPEN_ENDED = frozenset({"difference_ci", "difference_ci_anytime"})


@dataclass(frozen=True, slots=True)
class Lift:
    """One comparison of the two arms. `unavailable` has the reason for each None.

    Rates and differences are per user, in units of the value; every lift is in percent
    of the holdout. Users are those of the regimes that have users in both arms.
    `lift_ci`, `difference_ci` and `p_value` hold for one look; those named `_anytime`
    hold for all looks together. An end of a `difference_ci` may be None alone; its reason
    is under `difference_ci[0]` (low) or `difference_ci[1]` (high).
    """

    kind: RewardType
    direction: Direction
    optimization_users: int
    holdout_users: int
    optimization_rate: float | None = None
    holdout_rate: float | None = None
    difference: float | None = None
    difference_ci: OpenInterval | None = None
    difference_ci_anytime: OpenInterval | None = None
    lift_percent: float | None = None
    lift_ci: Interval | None = None
    lift_ci_delta: Interval | None = None
    lift_ci_anytime: Interval | None = None
    p_value: float | None = None
    p_value_anytime: float | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)


def explain_blanks(lift: Lift, reasons: Mapping[str, str], otherwise: str) -> Lift:
    """Return the lift with None for what is not finite, and a reason for each None."""
    unavailable: dict[str, str] = {}
    blanks: dict[str, Any] = {}
    for entry in fields(lift):
        name, value = entry.name, getattr(lift, entry.name)
        if _is_finite(value):
            continue
        blanks[name] = None
        if name in OPEN_ENDED and value and any(map(_is_finite, value)):
            blanks[name] = tuple(end if _is_finite(end) else None for end in value)
            missing = blanks[name].index(None)
            name = f"{name}[{missing}]"
        unavailable[name] = reasons.get(name, otherwise)
    return replace(lift, unavailable=unavailable, **blanks)


def to_percent(ratio: float) -> float:
    """Return how much more than 1 a ratio is, in percent."""
    return (ratio - 1) * 100


def to_percent_interval(ratios: Interval) -> Interval:
    """Return both ends of an interval of ratios as lifts in percent."""
    return to_percent(ratios[0]), to_percent(ratios[1])


def _is_finite(value: object) -> bool:
    """Return whether a value is neither None nor holds an infinity or NaN."""
    if isinstance(value, tuple):
        return all(_is_finite(part) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None

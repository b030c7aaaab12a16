"""The result of a comparison: every figure, or the reason why it is missing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from metrics.stats.means import Interval

RewardType = Literal["bool", "numeric", "outcomes"]
Direction = Literal["increase", "decrease"]


@dataclass(frozen=True, slots=True)
class Lift:
    """One comparison of the two arms. `unavailable` has the reason for each None.

    Rates and differences are per user, in units of the value; every lift is in percent
    of the holdout. Users are those of the regimes that have users in both arms.
    `lift_ci`, `difference_ci` and `p_value` hold for one look; those named `_anytime`
    hold for all looks together.
    """

    kind: RewardType
    direction: Direction
    optimization_users: int
    holdout_users: int
    optimization_rate: float | None = None
    holdout_rate: float | None = None
    difference: float | None = None
    difference_ci: Interval | None = None
    difference_ci_anytime: Interval | None = None
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
        if not _is_finite(getattr(lift, entry.name)):
            unavailable[entry.name] = reasons.get(entry.name, otherwise)
            blanks[entry.name] = None
    return replace(lift, unavailable=unavailable, **blanks)


def _is_finite(value: object) -> bool:
    """Return whether a value is neither None nor holds an infinity or NaN."""
    if isinstance(value, tuple):
        return all(_is_finite(part) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None

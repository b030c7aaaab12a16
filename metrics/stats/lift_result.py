"""The answer of a comparison: every figure, or the reason why there is none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from metrics.stats.means import Interval
from metrics.stats.normal import ALPHA

RewardType = Literal["bool", "numeric", "outcomes"]
Direction = Literal["increase", "decrease"]
Verdict = Literal["better", "worse", "undecided"]


@dataclass(frozen=True, slots=True)
class Lift:
    """One comparison of the two arms. Every None has its reason in ``unavailable``.

    Rates and differences are per user, in units of the value; everything
    named lift is in percent of the holdout. Users count the regimes in which
    both arms have users. ``lift_ci``, ``difference_ci`` and ``p_value`` hold
    for one look, their ``_anytime`` twins for all looks together.
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

    @property
    def verdict(self) -> Verdict:
        """What may be claimed at any look, by ``p_value_anytime`` and direction."""
        p, difference = self.p_value_anytime, self.difference
        if p is None or difference is None or p > ALPHA:
            return "undecided"
        more_is_better = self.direction == "increase"
        return "better" if (difference > 0) == more_is_better else "worse"


def explain_blanks(lift: Lift, reasons: Mapping[str, str], otherwise: str) -> Lift:
    """The same lift without infinities, and a reason for every blank."""
    found: dict[str, str] = {}
    blanks: dict[str, Any] = {}
    for entry in fields(lift):
        value = getattr(lift, entry.name)
        if not _is_stated(value):
            found[entry.name] = reasons.get(entry.name, otherwise)
            blanks[entry.name] = None
    return replace(lift, unavailable=found, **blanks)


def _is_stated(value: object) -> bool:
    """False for None and for anything that is not a finite number inside."""
    if isinstance(value, tuple):
        return all(_is_stated(part) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None

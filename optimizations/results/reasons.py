"""Why figures are null, and how a modeled lift is read: what several parts need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metrics.stats import Interval

NOT_IN_REPORT = "computed with the next training; the last one does not have it"
NO_BASELINE = "the baseline's reward may be zero, so nothing can be a percentage of it"
NO_DIFFERENCE = "no difference seen yet: the 95% interval includes 0"

# The full name of a figure that is null, and why it is.
Reasons = dict[str, str]


def describe_missing(reason: str) -> str:
    """Return the sentence that stands where a figure is missing."""
    if reason == NOT_IN_REPORT:  # nobody withholds it
        return f"{reason[0].upper()}{reason[1:]}."
    return f"Withheld: {reason}."


@dataclass(frozen=True, slots=True)
class WithholdingReasons:
    """Why modeled figures are withheld; None where they are not.

    Attributes
    ----------
    broken: the arms do not compare like with like, so that no count can be relied on.
    distrusted: the model does not reproduce the recent holdout.
    unlearned: the allocation is not the one that the last training described.
    unsupported: too few users were counted to say more than the prior.
    immature: no user's horizon has passed, so nothing modeled can be relied on.

    """

    broken: str | None = None
    distrusted: str | None = None
    unlearned: str | None = None
    unsupported: str | None = None
    immature: str | None = None

    @property
    def rewards(self) -> str | None:
        """Why modeled rewards, also of single levels, are withheld."""
        return self.broken or self.distrusted or self.immature

    @property
    def chances(self) -> str | None:
        """Why the variants' chances to be best are withheld."""
        return self.broken or self.unlearned or self.immature

    @property
    def shares(self) -> str | None:
        """Why shares of the spread, which are importances, are withheld."""
        return self.broken or self.immature

    @property
    def past(self) -> str | None:
        """Why figures of the users served so far are withheld.

        That variants changed since does not matter to these.
        """
        return self.broken or self.distrusted or self.unsupported

    @property
    def allocation(self) -> str | None:
        """Why figures of the allocation and the best variants are withheld."""
        return self.broken or self.distrusted or self.unlearned or self.unsupported


@dataclass(frozen=True, slots=True)
class ReportedLift:
    """A modeled lift in percent: its median and 95% interval.

    The median is None where the interval includes 0. The policy leans to whatever did
    well so far, so the lift of what it serves is above zero even where all variants are
    alike: of A/A tests it would average +5%.
    """

    median: float | None
    interval: Interval


def read_lift(estimate: Mapping[str, Any] | None) -> ReportedLift | None:
    """Return a lift of a stored report; reports of earlier versions have a mean only."""
    if not estimate:
        return None
    low, high = estimate["lo"], estimate["hi"]
    median = estimate.get("median", estimate["mean"])
    return ReportedLift(None if low <= 0 <= high else median, (low, high))


def explain_missing_lift(
    lift: ReportedLift | None, percent: str, interval: str, missing: str
) -> Reasons:
    """Return why the percent and the interval of a lift, by these names, are null.

    `missing` is why there is no lift at all.
    """
    if lift is None:
        return {percent: missing, interval: missing}
    return {percent: NO_DIFFERENCE} if lift.median is None else {}

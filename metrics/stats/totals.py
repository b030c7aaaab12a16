"""What one arm of one regime adds up to, checked once at the door."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """Users of one arm, and the sum and sum of squares of their values.

    ``users`` counts mature users; ``value_sum`` and ``value_sum_squares`` are
    over one value per user (0 for those without a reward). For ``bool``
    rewards all values are 0 or 1, so both sums are the number of conversions.
    ``converted`` counts users with a counted reward; where the caller does
    not know it, the smallest number that the two sums allow is taken
    (Cauchy and Schwarz: at least (Σv)²/Σv² users have a value other than 0).

    Raises ValueError for totals that no users could have.
    """

    users: int
    value_sum: float
    value_sum_squares: float
    converted: int | None = None

    def __post_init__(self) -> None:
        if self.users < 0:
            raise ValueError("users cannot be negative")
        if not (
            math.isfinite(self.value_sum) and math.isfinite(self.value_sum_squares)
        ):
            raise ValueError("value sums must be finite")
        if self.value_sum_squares < 0:
            raise ValueError("a sum of squares cannot be negative")
        if self.users == 0 and (self.value_sum or self.value_sum_squares):
            raise ValueError("values without users")
        if self.converted is not None and not 0 <= self.converted <= self.users:
            raise ValueError("converted users must be between 0 and all users")

    @classmethod
    def from_values(cls, values: Iterable[float]) -> "Totals":
        """Totals of one value per user."""
        kept = [float(value) for value in values]
        return cls(
            len(kept),
            math.fsum(kept),
            math.fsum(value * value for value in kept),
            sum(1 for value in kept if value),
        )

    @classmethod
    def from_conversions(cls, users: int, converted: float) -> "Totals":
        """Totals of a yes-or-no reward."""
        return cls(users, float(converted), float(converted), int(converted))

    def __add__(self, other: "Totals") -> "Totals":
        known = self.converted is not None and other.converted is not None
        return Totals(
            self.users + other.users,
            self.value_sum + other.value_sum,
            self.value_sum_squares + other.value_sum_squares,
            (self.converted or 0) + (other.converted or 0) if known else None,
        )

    @property
    def mean(self) -> float:
        """Mean value per user; 0 for an empty arm."""
        return self.value_sum / self.users if self.users else 0.0

    @property
    def squared_deviations(self) -> float:
        """Σ(v - mean)², 0 where rounding alone would make it differ from 0."""
        if not self.users:
            return 0.0
        deviations = self.value_sum_squares - self.value_sum * self.mean
        noise = 1e-12 * self.value_sum_squares
        return deviations if deviations > noise else 0.0

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; infinite below two users."""
        if self.users < 2:
            return math.inf
        return math.sqrt(self.squared_deviations / (self.users - 1) / self.users)

    @property
    def converted_at_least(self) -> float:
        """Users known to have a value other than 0."""
        if self.converted is not None:
            return float(self.converted)
        if self.value_sum_squares <= 0:
            return 0.0
        return self.value_sum / self.value_sum_squares * self.value_sum


EMPTY_TOTALS = Totals(0, 0.0, 0.0, 0)

Stratum = tuple[Totals, Totals]
"""One regime: (optimized, holdout)."""


def select_comparable(strata: Iterable[Stratum]) -> tuple[Stratum, ...]:
    """The regimes in which both arms have users; the others compare nothing."""
    return tuple((o, h) for o, h in strata if o.users and h.users)


def compute_weight(stratum: Stratum) -> float:
    """Mantel-Haenszel weight n_o·n_h/(n_o+n_h): the regime's share of evidence."""
    optimized, holdout = stratum
    return optimized.users * (holdout.users / (optimized.users + holdout.users))

"""Totals of one arm in one regime, validated on construction, and pairs of arms."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Totals:
    """Users of one arm, and the sum and sum of squares of their values.

    Attributes
    ----------
    users: number of mature users.
    value_sum, value_sum_squares: sums over one value per user (0 without a reward). For
        `bool` rewards all values are 0 or 1, so both are the number of conversions.
    converted: number of users with a counted reward. If the caller does not know it,
        the smallest number that the two sums allow is used: at least (Σv)²/Σv² users
        have a value other than 0 (Cauchy and Schwarz).

    Raises ValueError for totals that no users could have.

    """

    users: int
    value_sum: float
    value_sum_squares: float
    converted: int | None = None

    def __post_init__(self) -> None:
        if self.users < 0:
            raise ValueError("users must not be negative")
        if not (
            math.isfinite(self.value_sum) and math.isfinite(self.value_sum_squares)
        ):
            raise ValueError("value_sum and value_sum_squares must be finite")
        if self.value_sum_squares < 0:
            raise ValueError("value_sum_squares must not be negative")
        if self.users == 0 and (self.value_sum or self.value_sum_squares):
            raise ValueError("without users both value sums must be 0")
        if self.converted is not None and not 0 <= self.converted <= self.users:
            raise ValueError("converted must be between 0 and the number of users")

    @classmethod
    def from_values(cls, values: Iterable[float]) -> "Totals":
        """Return the totals of one value per user."""
        numbers = [float(value) for value in values]
        return cls(
            len(numbers),
            math.fsum(numbers),
            math.fsum(value * value for value in numbers),
            sum(1 for value in numbers if value),
        )

    @classmethod
    def from_conversions(cls, users: int, converted: float) -> "Totals":
        """Return the totals of a `bool` reward."""
        return cls(users, float(converted), float(converted), int(converted))

    def __add__(self, other: "Totals") -> "Totals":
        converted = None
        if self.converted is not None and other.converted is not None:
            converted = self.converted + other.converted
        return Totals(
            self.users + other.users,
            self.value_sum + other.value_sum,
            self.value_sum_squares + other.value_sum_squares,
            converted,
        )

    @property
    def mean(self) -> float:
        """Mean value per user; 0 for an empty arm."""
        return self.value_sum / self.users if self.users else 0.0

    @property
    def squared_deviations(self) -> float:
        """Σ(v - mean)²; exactly 0 if it is within rounding error of 0."""
        if not self.users:
            return 0.0
        deviations = self.value_sum_squares - self.value_sum * self.mean
        rounding = 1e-12 * self.value_sum_squares
        return deviations if deviations > rounding else 0.0

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; infinite below two users."""
        if self.users < 2:
            return math.inf
        return math.sqrt(self.squared_deviations / (self.users - 1) / self.users)

    @property
    def converted_at_least(self) -> float:
        """Smallest number of users with a value other than 0."""
        if self.converted is not None:
            return float(self.converted)
        if self.value_sum_squares <= 0:
            return 0.0
        return self.value_sum / self.value_sum_squares * self.value_sum


EMPTY_TOTALS = Totals(0, 0.0, 0.0, 0)

# One regime: (optimized, holdout).
Stratum = tuple[Totals, Totals]


def select_comparable(strata: Iterable[Stratum]) -> tuple[Stratum, ...]:
    """Return the regimes with users in both arms; the others compare nothing."""
    return tuple((o, h) for o, h in strata if o.users and h.users)


def compute_weight(stratum: Stratum) -> float:
    """Return the Mantel-Haenszel weight n_o·n_h/(n_o+n_h): the regime's evidence."""
    optimized, holdout = stratum
    return optimized.users * (holdout.users / (optimized.users + holdout.users))


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Both arms of one regime on one day of first touch."""

    day: date
    regime: int
    optimized: Totals
    holdout: Totals

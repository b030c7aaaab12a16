"""A bound on single amounts: what is far beyond all others counts as a typical one.

For the model alone: measured figures keep every amount. The largest values of a group are
known from its sums: k values that dominate have (Σy)² / Σy² ≈ k, and their root mean square
is √(Σy² / k).
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models_app.bandit.design.design import Floats, Integers

# Groups where more values than this make up the sum have no outlier that matters.
MAX_DOMINANT = 3.5
# Others needed to tell what is usual, and the least sd of their logs: a factor of 20 or
# so is never an outlier.
MIN_OTHERS, MIN_LOG_SD = 5.0, 0.5
# The prior variance of logs, and its weight in values, as in the model of amounts.
PRIOR_DOF, PRIOR_VARIANCE = 2.0, 1.0
# The margin above the largest of normal logs that is expected, in sds, and how much
# wider it is while few others are known (times their number to the power of -1/2).
MARGIN_SDS, FEW_OTHERS_WIDENING = 3.0, 1.0
# The largest share of values that may be outliers, the number that always may, and the
# largest number.
MAX_OUTLIER_SHARE, MIN_OUTLIERS, MAX_OUTLIERS = 0.01, 3, 50
# Relative rounding of a sum of squares.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class AmountBound:
    """Amounts whose size is above `limit` count as `typical` each; there are `count`.

    Of so many that they are nearly no outliers, `typical` leans to their own size.

    `mean` is that of all others, `log_mean` and `log_sd` those of their logs, and
    `mean_square` that of their squares, where single amounts tell it. Bounds of earlier
    versions do not have them.
    """

    limit: float
    typical: float
    count: int
    mean: float | None = None
    log_mean: float = 0.0
    log_sd: float = 0.0
    mean_square: float = 0.0

    @property
    def others_mean(self) -> float:
        """The mean of all others; of an earlier version's bound the typical amount."""
        return self.typical if self.mean is None else self.mean


@dataclass(frozen=True, slots=True)
class AmountSums:
    """Sums of the nonzero amounts of n groups.

    Attributes
    ----------
    counts: [n] of amounts.
    sums, squares: [n] of the amounts, of any sign.
    log_sums, log_squares: [n] of the logs of their sizes.

    """

    counts: Floats
    sums: Floats
    squares: Floats
    log_sums: Floats
    log_squares: Floats

    @classmethod
    def from_moments(cls, counts: Floats, sums: Floats, squares: Floats) -> Self:
        """Return sums whose logs are estimated as a log-normal's with these moments.

        Where a few amounts dominate, the logs are theirs and those of the others' mean;
        others that are lost to rounding are left out. Where signs are mixed, so that the
        sum says little, the root mean square is the size of all.
        """
        n = np.maximum(counts, 1.0)
        mean_square = np.where(squares > 0, squares, 1.0) / n
        share = np.minimum((sums / n) ** 2 / mean_square, 1.0)
        is_mixed = share < (1 - 1e-6) / n
        variance = -np.log(np.where(is_mixed | (share <= 0), 1.0, share))
        mean = 0.5 * np.log(mean_square) - variance
        known = np.where(squares > 0, counts, 0.0)
        plain = cls(known, sums, squares, n * mean, n * (variance + mean**2))
        numbers, sizes = plain.find_dominant()
        is_dominated = (numbers > 0) & ~is_mixed
        rest = np.where(is_dominated, known - numbers, 0.0)
        rest_sums = np.abs(sums) - numbers * sizes
        is_known = (rest > 0) & (rest_sums > ROUNDING * np.abs(sums))
        rest = np.where(is_known, rest, 0.0)
        log_rest = np.log(np.where(is_known, rest_sums / np.maximum(rest, 1.0), 1.0))
        logs = np.log(np.where(is_dominated, sizes, 1.0))
        return cls(
            np.where(is_dominated, numbers + rest, known),
            sums,
            squares,
            np.where(is_dominated, numbers * logs + rest * log_rest, plain.log_sums)
            * (known > 0),
            np.where(
                is_dominated, numbers * logs**2 + rest * log_rest**2, plain.log_squares
            )
            * (known > 0),
        )

    def find_dominant(self) -> tuple[Integers, Floats]:
        """Return how many amounts [n] dominate each group, and their size [n]."""
        squares = np.where(self.squares > 0, self.squares, 1.0)
        effective = np.minimum(self.sums**2 / squares, np.maximum(self.counts, 1.0))
        numbers = np.maximum(np.rint(effective), 1.0)
        is_dominated = (self.counts > 0) & (effective < MAX_DOMINANT)
        sizes = np.where(is_dominated, np.sqrt(self.squares / numbers), 0.0)
        return np.where(is_dominated, numbers, 0.0).astype(np.int64), sizes


def find_bound(amounts: AmountSums) -> AmountBound | None:
    """Return the bound on outliers, or None if there is none.

    With K other amounts, whose logs have mean m and sd s, an outlier's log is above
    m + (√(2 ln K) + 3) s: by 3 sds more than the largest of K normal ones. Its amount is
    not learned from: it counts as a typical one, see `find_typical`. Several outliers do not hide each
    other: the smallest is compared with what is left without all of them (Rosner 1983).
    """
    numbers, sizes = amounts.find_dominant()
    order = np.argsort(-sizes, kind="stable")
    total = float(amounts.counts.sum())
    most = min(max(MIN_OUTLIERS, int(MAX_OUTLIER_SHARE * total)), MAX_OUTLIERS)
    removed = np.cumsum(numbers[order])
    candidates = order[: int(np.searchsorted(removed, most, side="right"))]
    candidates = candidates[sizes[candidates] > 0]
    for last in range(len(candidates), 0, -1):
        outliers = candidates[:last]
        limits = _compute_limits(amounts, numbers, sizes, outliers)
        if limits is not None and sizes[outliers[-1]] > limits.limit:
            return replace(limits, count=int(numbers[outliers].sum()))
    return None


def find_typical(mean: Floats, variance: Floats) -> Floats:
    """Return the log of the typical amount, by the mean and variance of the others' logs.

    It is their mean if they are log-normal, and less with a heavy tail. Without any floor
    of the variance: among equal amounts, which leave no noise, one that counted as more
    would be an effect.
    """
    return np.asarray(mean + np.minimum(variance, np.sqrt(variance)) / 2)


def _compute_limits(
    amounts: AmountSums, numbers: Integers, sizes: Floats, outliers: Integers
) -> AmountBound | None:
    """Return a bound, without its count, by all but the outliers; None if these are few."""
    removed = numbers[outliers]
    logs = np.log(sizes[outliers])
    others = float(amounts.counts.sum() - removed.sum())
    if others < MIN_OTHERS:
        return None
    mean = float(amounts.log_sums.sum() - (removed * logs).sum()) / others
    squares = float(amounts.log_squares.sum() - (removed * logs**2).sum())
    deviations = max(squares - others * mean**2, 0.0)
    variance = (deviations + PRIOR_DOF * PRIOR_VARIANCE) / (others + PRIOR_DOF)
    sd = max(float(np.sqrt(variance)), MIN_LOG_SD)
    margin = float(np.sqrt(2 * np.log(others))) + MARGIN_SDS
    limit = mean + margin * sd * (1 + FEW_OTHERS_WIDENING / float(np.sqrt(others)))
    mean_size = float(np.abs(amounts.sums).sum() - (removed * sizes[outliers]).sum())
    is_lost = mean_size <= ROUNDING * float(np.abs(amounts.sums).sum())
    return AmountBound(
        limit=float(np.exp(min(limit, 700.0))),
        typical=float(
            np.exp(find_typical(np.array(mean), np.array(deviations / others)))
        ),
        count=0,
        mean=float(np.exp(mean + sd**2 / 2)) if is_lost else mean_size / others,
        log_mean=mean,
        log_sd=sd,
    )

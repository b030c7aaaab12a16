"""Weighted means of two arms, their variances, and Fieller's ratio.

Fieller, "Some problems in interval estimation", JRSS B 16 (1954) 175-185.

Amounts are skewed and the holdout is small, so its own variance is low just
when its mean is. A test with each arm's own variance (Welch) therefore errs
far above 5%, always on one side (9.7% with 20 payers in a 10% holdout). The
variance pooled over both arms errs on the other side. Where the arms truly
differ, pooling must know how: the hypothesis "r times the mean" says that the
optimized arm has r times the payers (its variance is about r times the
holdout's), or r times their amounts (r² times). A hypothesis is rejected only
if all three variances reject it: each arm's own, and both of those that hold
under it. So the level holds in small samples at every true effect, and in
large ones whenever Welch's does.
"""

import math
from dataclasses import dataclass

from metrics.stats.totals import Stratum, Totals, compute_weight

Interval = tuple[float, float]
# An end is None where it is withheld.
OpenInterval = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Means:
    """Mantel-Haenszel weighted means (per user) of the two arms."""

    optimized: float
    holdout: float

    @property
    def difference(self) -> float:
        """Optimized minus holdout, in units of the value."""
        return self.optimized - self.holdout


@dataclass(frozen=True, slots=True)
class MeanVariances:
    """Variances of the two weighted means.

    The variance of (optimized mean - r · holdout mean) is
    optimized + r · cross + r² · holdout.
    """

    optimized: float
    holdout: float
    cross: float = 0.0

    @property
    def difference_sd(self) -> float:
        """Standard error of the difference of means."""
        return math.sqrt(self.optimized + self.cross + self.holdout)


@dataclass(frozen=True, slots=True)
class PooledSums:
    """Σ w²·SS_x / (n_y·(n - 2)) / (Σw)² over regimes, by the arms (x, y).

    All pooled variances are made of these four; SS are squared deviations.
    """

    optimized_optimized: float
    optimized_holdout: float
    holdout_optimized: float
    holdout_holdout: float


def compute_weighted_means(strata: tuple[Stratum, ...]) -> Means:
    """Return means with the same weights for both arms: Σ w·mean / Σ w."""
    total = math.fsum(compute_weight(stratum) for stratum in strata)
    return Means(
        math.fsum(compute_weight(s) * s[0].mean for s in strata) / total,
        math.fsum(compute_weight(s) * s[1].mean for s in strata) / total,
    )


def compute_separate_variances(strata: tuple[Stratum, ...]) -> MeanVariances:
    """Return variances that come from each arm's own users."""
    return _combine_variances(
        strata,
        [
            (_compute_variance(o, h) / o.users, _compute_variance(h, o) / h.users)
            for o, h in strata
        ],
    )


def compute_pooled_sums(strata: tuple[Stratum, ...]) -> PooledSums:
    """Return the parts of the variances that come from all users of both arms."""
    total = math.fsum(compute_weight(stratum) for stratum in strata)
    sums = [0.0] * 4
    for stratum in strata:
        optimized, holdout = stratum
        share = (compute_weight(stratum) / total) ** 2
        share /= max(optimized.users + holdout.users - 2, 1)
        parts = (
            optimized.squared_deviations / optimized.users,
            optimized.squared_deviations / holdout.users,
            holdout.squared_deviations / optimized.users,
            holdout.squared_deviations / holdout.users,
        )
        sums = [s + share * part for s, part in zip(sums, parts, strict=True)]
    return PooledSums(*sums)


def compute_pooled_variances(
    sums: PooledSums,
) -> tuple[MeanVariances, MeanVariances]:
    """Return the variances under "r times the payers" and "r times the amounts".

    The variance of a holdout user is estimated from all users as
    (SS_o/r^k + SS_h) / (n - 2), that of an optimized user as r^k times it: k = 1 for more
    payers, 2 for larger amounts. At r = 1 both are the pooled variance.
    """
    return (
        MeanVariances(
            sums.optimized_optimized,
            sums.holdout_holdout,
            sums.optimized_holdout + sums.holdout_optimized,
        ),
        MeanVariances(
            sums.optimized_optimized + sums.optimized_holdout,
            sums.holdout_optimized + sums.holdout_holdout,
        ),
    )


def compute_ratio_interval(
    means: Means, variances: tuple[MeanVariances, ...], critical: float
) -> Interval | None:
    """Return Fieller's interval of the ratio; None without a clear denominator.

    It holds all r with (optimized - r·holdout)² ≤ critical²·variance(r) for any of the
    variances. It is bounded only if the holdout mean is more than `critical` standard
    errors above zero.
    """
    intervals = [_compute_fieller_interval(means, v, critical) for v in variances]
    bounded = [interval for interval in intervals if interval is not None]
    if len(bounded) < len(intervals):
        return None
    return min(low for low, _ in bounded), max(high for _, high in bounded)


def compute_delta_interval(
    means: Means, variances: MeanVariances, critical: float
) -> Interval:
    """Return ratio ± critical · its delta-method error (holdout mean above 0)."""
    ratio = means.optimized / means.holdout
    sd = math.sqrt(variances.optimized + ratio * ratio * variances.holdout)
    sd /= means.holdout
    return ratio - critical * sd, ratio + critical * sd


def _compute_fieller_interval(
    means: Means, variances: MeanVariances, critical: float
) -> Interval | None:
    """Return the r with (optimized - r·holdout)² ≤ critical²·variance(r), if bounded."""
    square = critical * critical
    a, b = means.optimized, means.holdout
    leading = b * b - square * variances.holdout
    if b <= 0 or leading <= 0:
        return None
    if variances.optimized + a / b * (variances.cross + a / b * variances.holdout) < 0:
        return a / b, a / b  # an optimized mean below zero is no such multiple
    middle = a * b + square * variances.cross / 2
    inside = square * (
        b * b * variances.optimized
        + a * b * variances.cross
        + a * a * variances.holdout
        + square * variances.cross * variances.cross / 4
        - square * variances.optimized * variances.holdout
    )
    half = math.sqrt(max(inside, 0.0))
    return (middle - half) / leading, (middle + half) / leading


def _compute_variance(arm: Totals, other: Totals) -> float:
    """Return the sample variance of an arm; with a single user, the other arm's."""
    source = arm if arm.users > 1 else other
    return source.squared_deviations / max(source.users - 1, 1)


def _combine_variances(
    strata: tuple[Stratum, ...], variances: list[tuple[float, float]]
) -> MeanVariances:
    """Return the variances of weighted means from those in each regime."""
    total = math.fsum(compute_weight(stratum) for stratum in strata)
    shares = [(compute_weight(stratum) / total) ** 2 for stratum in strata]
    return MeanVariances(
        math.fsum(w * o for w, (o, _) in zip(shares, variances, strict=True)),
        math.fsum(w * h for w, (_, h) in zip(shares, variances, strict=True)),
    )

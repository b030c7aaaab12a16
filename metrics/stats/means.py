"""Weighted means of two arms, their variances, and Fieller's ratio.

Fieller, "Some problems in interval estimation", JRSS B 16 (1954) 175-185.

Amounts are skewed and the holdout is small, so its own variance is low just
when its mean is. A test with each arm's own variance (Welch) therefore errs
far above 5%, always on one side (9.7% with 20 payers in a 10% holdout). The
variance pooled over both arms errs on the other side, and is wrong if the
arms truly differ. A hypothesis is rejected only if both tests reject it. So
the level holds in small samples, and in large ones whenever Welch's does.
"""

import math
from dataclasses import dataclass

from metrics.stats.totals import Stratum, Totals, compute_weight

Interval = tuple[float, float]


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

    The variance of (optimized mean - r · holdout mean) is optimized + r² · holdout.
    """

    optimized: float
    holdout: float

    @property
    def difference_sd(self) -> float:
        """Standard error of the difference of means."""
        return math.sqrt(self.optimized + self.holdout)


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


def compute_pooled_variances(strata: tuple[Stratum, ...]) -> MeanVariances:
    """Return variances that come from all users, on the scale of the hypothesis.

    Under a ratio r the optimized values are taken as r times the holdout's. So the
    pooled variance is (SS_o + r²·SS_h) / (n - 2) for both arms.
    """
    variances = []
    for optimized, holdout in strata:
        dof = max(optimized.users + holdout.users - 2, 1)
        per_user = (1 / optimized.users + 1 / holdout.users) / dof
        variances.append(
            (
                optimized.squared_deviations * per_user,
                holdout.squared_deviations * per_user,
            )
        )
    return _combine_variances(strata, variances)


def compute_difference_z(means: Means, variances: tuple[MeanVariances, ...]) -> float:
    """Return the difference over the largest of its standard errors."""
    return means.difference / max(variance.difference_sd for variance in variances)


def compute_difference_interval(
    means: Means, variances: tuple[MeanVariances, ...], critical: float
) -> Interval:
    """Return difference ± critical · the largest of its standard errors."""
    half = critical * max(variance.difference_sd for variance in variances)
    return means.difference - half, means.difference + half


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
    square = critical * critical
    a, b = means.optimized, means.holdout
    leading = b * b - square * variances.holdout
    if b <= 0 or leading <= 0:
        return None
    inside = b * b * variances.optimized + a * a * variances.holdout
    inside -= square * variances.optimized * variances.holdout
    half = critical * math.sqrt(max(inside, 0.0))
    return (a * b - half) / leading, (a * b + half) / leading


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

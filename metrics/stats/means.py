"""Weighted means of two arms, their variances, and Fieller's ratio.

Fieller, "Some problems in interval estimation", JRSS B 16 (1954) 175-185.
Amounts are skewed and the holdout is small: its own variance comes out low
just when its mean does, and a test with each arm's own variance (Welch) then
errs far above 5%, all on one side (9.7% with 20 payers in a 10% holdout). The
variance pooled over both arms errs on the other side, and is wrong when the
arms truly differ. A hypothesis is rejected only when both reject it, so the
level holds in small samples, and in large ones wherever Welch's does.
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
class Spread:
    """Variance of (optimized mean - r · holdout mean) = optimized + r² · holdout."""

    optimized: float
    holdout: float

    @property
    def difference_sd(self) -> float:
        """Standard error of the difference of means."""
        return math.sqrt(self.optimized + self.holdout)


def compute_weighted_means(strata: tuple[Stratum, ...]) -> Means:
    """Means with the same weights for both arms: Σ w·mean / Σ w."""
    total = math.fsum(compute_weight(stratum) for stratum in strata)
    return Means(
        math.fsum(compute_weight(s) * s[0].mean for s in strata) / total,
        math.fsum(compute_weight(s) * s[1].mean for s in strata) / total,
    )


def compute_separate_spread(strata: tuple[Stratum, ...]) -> Spread:
    """Each arm's variance from its own users."""
    return _combine_spreads(
        strata,
        [
            (_compute_variance(o, h) / o.users, _compute_variance(h, o) / h.users)
            for o, h in strata
        ],
    )


def compute_pooled_spread(strata: tuple[Stratum, ...]) -> Spread:
    """Both arms' variance from all users, on the scale of the hypothesis.

    Under a ratio r the optimized values are taken as r times the holdout's:
    the pooled variance is (SS_o + r²·SS_h) / (n - 2), for both arms.
    """
    parts = []
    for optimized, holdout in strata:
        freedom = max(optimized.users + holdout.users - 2, 1)
        per_user = (1 / optimized.users + 1 / holdout.users) / freedom
        parts.append(
            (
                optimized.squared_deviations * per_user,
                holdout.squared_deviations * per_user,
            )
        )
    return _combine_spreads(strata, parts)


def difference_z(means: Means, spreads: tuple[Spread, ...]) -> float:
    """Difference over its standard error, by the least favourable spread."""
    return means.difference / max(spread.difference_sd for spread in spreads)


def difference_interval(
    means: Means, spreads: tuple[Spread, ...], critical: float
) -> Interval:
    """Difference ± critical · standard error."""
    half = critical * max(spread.difference_sd for spread in spreads)
    return means.difference - half, means.difference + half


def ratio_interval(
    means: Means, spreads: tuple[Spread, ...], critical: float
) -> Interval | None:
    """Fieller's interval of the ratio, or None without a clear denominator.

    All r with (optimized - r·holdout)² ≤ critical²·variance(r), for either
    spread. Bounded only where the holdout mean is more than ``critical``
    standard errors above zero.
    """
    ends = [_compute_fieller_interval(means, spread, critical) for spread in spreads]
    bounded = [interval for interval in ends if interval is not None]
    if len(bounded) < len(ends):
        return None
    return min(low for low, _ in bounded), max(high for _, high in bounded)


def delta_interval(means: Means, spread: Spread, critical: float) -> Interval:
    """Ratio ± critical · its delta-method standard error (holdout mean above 0)."""
    ratio = means.optimized / means.holdout
    sd = math.sqrt(spread.optimized + ratio * ratio * spread.holdout) / means.holdout
    return ratio - critical * sd, ratio + critical * sd


def _compute_fieller_interval(
    means: Means, spread: Spread, critical: float
) -> Interval | None:
    square = critical * critical
    a, b = means.optimized, means.holdout
    leading = b * b - square * spread.holdout
    if b <= 0 or leading <= 0:
        return None
    inside = b * b * spread.optimized + a * a * spread.holdout
    inside -= square * spread.optimized * spread.holdout
    half = critical * math.sqrt(max(inside, 0.0))
    return (a * b - half) / leading, (a * b + half) / leading


def _compute_variance(arm: Totals, other: Totals) -> float:
    """Sample variance of an arm; a single user borrows the other arm's."""
    source = arm if arm.users > 1 else other
    return source.squared_deviations / max(source.users - 1, 1)


def _combine_spreads(
    strata: tuple[Stratum, ...], parts: list[tuple[float, float]]
) -> Spread:
    total = math.fsum(compute_weight(stratum) for stratum in strata)
    shares = [(compute_weight(stratum) / total) ** 2 for stratum in strata]
    return Spread(
        math.fsum(w * o for w, (o, _) in zip(shares, parts, strict=True)),
        math.fsum(w * h for w, (_, h) in zip(shares, parts, strict=True)),
    )

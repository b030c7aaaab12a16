"""The product's tests of amounts on arrays of simulated runs; a test keeps them equal."""

import numpy as np

from benchmarks.statistics.arrays import (
    Arm,
    Array,
    Flags,
    compute_means,
    compute_weights,
)
from metrics.stats import minimum_data
from metrics.stats.mean_differences import MAX_RATIO, ROUNDING


def compute_difference_z(
    optimized: Arm, holdout: Arm, difference: float | Array
) -> Array:
    """Return z of the hypothesis mean_o = mean_h + difference for each run.

    Its variance is the largest of each arm's own and of the two that hold under it.
    """
    m_o, m_h, sign = _turn_signs(optimized, holdout)
    d = sign * np.asarray(difference, dtype=float)
    more, less = (_divide_up(mean, np.abs(d)) for mean in (m_h, m_o))
    with np.errstate(divide="ignore"):
        ratio = np.where(d == 0, 1.0, np.where(d > 0, more, 1 / less))
    variance = compute_largest_variance(optimized, holdout, ratio)
    distance: Array = sign * (m_o - m_h - d)
    return distance / np.sqrt(np.maximum(variance, 1e-300))


def is_difference_excluded(
    optimized: Arm, holdout: Arm, difference: float, critical: float | Array
) -> Flags:
    """Return where the interval of differences that is shown leaves out `difference`.

    An end that would be beyond MAX_RATIO times a mean is not shown.
    """
    m_o, m_h, sign = _turn_signs(optimized, holdout)
    most = np.where(m_h > 0, (MAX_RATIO - 1) * m_h, np.inf)
    least = np.where(m_o > 0, (1 - MAX_RATIO) * m_o, -np.inf)
    d, estimate = sign * difference, m_o - m_h
    hidden = ((d > estimate) & (estimate >= most)) | (
        (d < estimate) & (estimate <= least)
    )
    nearest = np.where(d > estimate, np.minimum(d, most), np.maximum(d, least))
    z = compute_difference_z(optimized, holdout, sign * nearest)
    flags: Flags = (np.abs(z) > critical) & ~hidden
    return flags


def is_published(optimized: Arm, holdout: Arm) -> Flags:
    """Return where figures of amounts are published, by users and those with a reward.

    `value_sum` of the arms is the number of users with a counted reward.
    """
    compared = (optimized.users > 0) & (holdout.users > 0)
    published: Flags = np.ones(compared.shape[:-1], dtype=bool)
    for arm in (optimized, holdout):
        users, rewarded = (
            (counts * compared).sum(-1) for counts in (arm.users, arm.value_sum)
        )
        published &= users >= minimum_data.MINIMUM_USERS
        published &= rewarded >= minimum_data.MINIMUM_CONVERSIONS
    return published


def is_ratio_shown(optimized: Arm, holdout: Arm, critical: float | Array) -> Flags:
    """Return where Fieller's interval is bounded for each of the three variances."""
    _m_o, m_h = compute_means(optimized, holdout)
    own, sums = _sum_parts(optimized, holdout)
    largest = np.maximum(own[1], sums[2] + sums[3])  # those of r²
    flags: Flags = (m_h > 0) & (m_h * m_h > np.square(critical) * largest)
    return flags


def compute_largest_variance(optimized: Arm, holdout: Arm, ratio: Array) -> Array:
    """Return the largest variance of the difference if the means have this ratio.

    Beyond the bounds of the ratio equal variances are tried as well.
    """
    own, (oo, oh, ho, hh) = _sum_parts(optimized, holdout)
    bounded = np.clip(ratio, 1 / MAX_RATIO, MAX_RATIO)
    more, larger = (
        oo + hh + oh / scale + ho * scale for scale in (bounded, bounded * bounded)
    )
    variance = np.maximum(np.maximum(more, larger), own[0] + own[1])
    is_unknown = np.abs(ratio - bounded) > ROUNDING * bounded
    return np.where(is_unknown, np.maximum(variance, oo + oh + ho + hh), variance)


def _turn_signs(optimized: Arm, holdout: Arm) -> tuple[Array, Array, Array]:
    """Return both means and the sign that makes the sum of all values positive."""
    m_o, m_h = compute_means(optimized, holdout)
    compared = (optimized.users > 0) & (holdout.users > 0)
    total = (optimized.value_sum + holdout.value_sum) * compared
    sign = np.where(total.sum(-1) < 0, -1.0, 1.0)
    return sign * m_o, sign * m_h, sign


def _divide_up(mean: Array, more: Array) -> Array:
    """Return (mean + more) / mean; infinite for means that are not above 0."""
    positive = np.where(mean > 0, mean, 1.0)
    return np.where(mean > 0, (positive + more) / positive, np.inf)


def _sum_parts(optimized: Arm, holdout: Arm) -> tuple[tuple[Array, Array], list[Array]]:
    """Return the variances of both means, and the four sums of pooled variances."""
    w = compute_weights(optimized, holdout)
    share = (w / np.maximum(w.sum(-1, keepdims=True), 1e-300)) ** 2
    n_o, n_h = np.maximum(optimized.users, 2), np.maximum(holdout.users, 2)
    ss_o, ss_h = optimized.deviations, holdout.deviations
    own_o = (share * ss_o / (n_o - 1) / n_o).sum(-1)
    own_h = (share * ss_h / (n_h - 1) / n_h).sum(-1)
    pooled = share / (n_o + n_h - 2)
    sums = [(pooled * ss / n).sum(-1) for ss in (ss_o, ss_h) for n in (n_o, n_h)]
    return (own_o, own_h), sums

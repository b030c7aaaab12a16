"""The companions of a mean on arrays of simulated runs; a test keeps them equal."""

import numpy as np

from benchmarks.statistics import arrays
from benchmarks.statistics.arrays import (
    Arm,
    Array,
    Flags,
    compute_means,
    compute_weights,
)
from metrics.stats.companions import MINIMUM_PAYERS


def compute_log_ratio_z(optimized: Arm, holdout: Arm, ratio: float | Array) -> Array:
    """Return z of the hypothesis mean_o = ratio · mean_h, by the logarithm of the ratio.

    As for capped revenue: each arm's own variance. NaN where a mean is not above 0.
    """
    w = compute_weights(optimized, holdout)
    share = (w / np.maximum(w.sum(-1, keepdims=True), 1e-300)) ** 2
    m_o, m_h = compute_means(optimized, holdout)
    positive = (m_o > 0) & (m_h > 0)
    m_o, m_h = np.where(positive, m_o, np.nan), np.where(positive, m_h, np.nan)
    variance = sum(
        (share * arm.deviations / n / np.maximum(n - 1, 1)).sum(-1) / mean**2
        for arm, n, mean in (
            (optimized, np.maximum(optimized.users, 1), m_o),
            (holdout, np.maximum(holdout.users, 1), m_h),
        )
    )
    z: Array = (np.log(m_o / m_h) - np.log(ratio)) / np.sqrt(variance)
    return z


def compute_typical_z(optimized: Arm, holdout: Arm, ratio: float) -> Array:
    """Return z of the hypothesis that typical payments differ by this ratio.

    The arms hold logarithms of payments; their users are the payers. NaN where all payers
    of both arms paid the same.
    """
    w = compute_weights(optimized, holdout)
    share = (w / np.maximum(w.sum(-1, keepdims=True), 1e-300)) ** 2
    n_o, n_h = np.maximum(optimized.users, 1), np.maximum(holdout.users, 1)
    ss_o, ss_h = (_drop_rounding(arm) for arm in (optimized, holdout))
    own = ss_o / np.maximum(n_o - 1, 1) / n_o + ss_h / np.maximum(n_h - 1, 1) / n_h
    pooled = (ss_o + ss_h) / np.maximum(n_o + n_h - 2, 1) * (1 / n_o + 1 / n_h)
    variance = np.maximum((share * own).sum(-1), (share * pooled).sum(-1))
    m_o, m_h = compute_means(optimized, holdout)
    variance = np.where(variance > 0, variance, np.nan)
    z: Array = (m_o - m_h - np.log(ratio)) / np.sqrt(variance)
    return z


def has_enough_payers(optimized: Arm, holdout: Arm) -> Flags:
    """Return where both arms have the payers that companions of amounts need.

    The arms are those of payer rates. Regimes without users in an arm do not count.
    """
    compared = (optimized.users > 0) & (holdout.users > 0)
    fewest = np.minimum(
        *((arm.value_sum * compared).sum(-1) for arm in (optimized, holdout))
    )
    flags: Flags = fewest >= MINIMUM_PAYERS
    return flags


def is_rate_published(optimized: Arm, holdout: Arm) -> Flags:
    """Return where the payer rate is published: the rule of rates."""
    return arrays.is_published(optimized, holdout, "bool")


def _drop_rounding(arm: Arm) -> Array:
    return np.where(arm.deviations > 1e-12 * arm.squares, arm.deviations, 0.0)

"""The product's statistics on arrays of simulated runs; a test keeps them equal."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.stats import anytime, minimum_data
from metrics.stats.normal import ALPHA, CRITICAL
from metrics.stats.restricted_rates import (
    RateCounts,
    fit_rates_under_difference,
    fit_rates_under_ratio,
)

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Arm:
    """Users, sums and sums of squares; the last axis is the regime."""

    users: Array
    value_sum: Array
    squares: Array

    @property
    def mean(self) -> Array:
        return self.value_sum / np.maximum(self.users, 1)

    @property
    def deviations(self) -> Array:
        return np.maximum(self.squares - self.value_sum * self.mean, 0)


def build_conversion_arm(users: NDArray[Any], converted: NDArray[Any]) -> Arm:
    users = np.broadcast_to(users, converted.shape).astype(float)
    converted = converted.astype(float)
    return Arm(users, converted, converted)


def compute_weights(optimized: Arm, holdout: Arm) -> Array:
    n = np.maximum(optimized.users + holdout.users, 1)
    return optimized.users * holdout.users / n


def compute_means(optimized: Arm, holdout: Arm) -> tuple[Array, Array]:
    w = compute_weights(optimized, holdout)
    total = np.maximum(w.sum(-1), 1e-300)
    return (w * optimized.mean).sum(-1) / total, (w * holdout.mean).sum(-1) / total


def compute_rates_z(optimized: Arm, holdout: Arm, ratio: float | Array) -> Array:
    """Return the score statistic of the hypothesis p_o = ratio · p_h for each run."""
    r = np.asarray(ratio, dtype=float)[..., None]
    rates = fit_rates_under_ratio(build_counts(optimized, holdout), r)
    return _compute_score(optimized, holdout, rates, r, np.zeros(1))


def compute_rates_difference_z(
    optimized: Arm, holdout: Arm, difference: float | Array
) -> Array:
    """Return the score statistic of the hypothesis p_o = p_h + difference."""
    d = np.asarray(difference, dtype=float)[..., None]
    rates = fit_rates_under_difference(build_counts(optimized, holdout), d)
    return _compute_score(optimized, holdout, rates, np.ones(1), d)


def build_counts(optimized: Arm, holdout: Arm) -> RateCounts:
    """Return the counts as the product's e-value takes them: both arms, or none."""
    compared = (optimized.users > 0) & (holdout.users > 0)
    sums = (optimized.users, optimized.value_sum, holdout.users, holdout.value_sum)
    return RateCounts(*(np.where(compared, values, 0.0) for values in sums))


def _compute_score(
    optimized: Arm, holdout: Arm, rates: tuple[Array, Array], r: Array, d: Array
) -> Array:
    w = compute_weights(optimized, holdout)
    n_o, n_h = np.maximum(optimized.users, 1), np.maximum(holdout.users, 1)
    n, (p_o, p_h) = np.maximum(optimized.users + holdout.users, 2), rates
    spread = p_o * (1 - p_o) / n_o + r * r * p_h * (1 - p_h) / n_h
    variance = (w * w * spread * n / (n - 1)).sum(-1)
    distance = (w * (optimized.mean - r * holdout.mean - d)).sum(-1)
    return np.asarray(distance / np.sqrt(np.maximum(variance, 1e-300)), dtype=float)


def compute_amounts_z(
    optimized: Arm, holdout: Arm, ratio: float | Array, spread: str = "larger"
) -> Array:
    """Return the difference of the weighted means over its standard error.

    ``spread``: ``separate`` uses each arm's own variance, ``pooled`` one for both if
    amounts are r times as large, ``payers`` one if payers are r times as many, and
    ``larger`` the largest standard error of the three, as the service does.
    """
    r = np.asarray(ratio, dtype=float)[..., None]
    w = compute_weights(optimized, holdout)
    n_o, n_h = np.maximum(optimized.users, 2), np.maximum(holdout.users, 2)
    ss_o, ss_h = optimized.deviations, holdout.deviations
    separate = ss_o / (n_o - 1) / n_o + r * r * ss_h / (n_h - 1) / n_h
    pooled, payers = (
        (ss_o + scale * ss_h) / (n_o + n_h - 2) * (1 / n_o + r * r / scale / n_h)
        for scale in (r * r, r)
    )
    distance = (w * (optimized.mean - r * holdout.mean)).sum(-1)
    sums = [
        (w * w * part).sum(-1)
        for name, part in (
            *(("separate", separate), ("pooled", pooled)),
            ("payers", payers),
        )
        if spread in {"larger", name}
    ]
    variance = np.max(sums, axis=0)
    return np.asarray(distance / np.sqrt(np.maximum(variance, 1e-300)), dtype=float)


def check_delta_misses(
    optimized: Arm, holdout: Arm, ratio: float
) -> tuple[Flags, Flags]:
    """Return whether the delta-method interval lies above or below the true ratio."""
    w = compute_weights(optimized, holdout)
    w = w / w.sum(-1, keepdims=True)
    m_o, m_h = compute_means(optimized, holdout)
    v_o = (w * w * optimized.deviations / optimized.users / (optimized.users - 1)).sum(
        -1
    )
    v_h = (w * w * holdout.deviations / holdout.users / (holdout.users - 1)).sum(-1)
    m_h = np.where(m_h > 0, m_h, np.nan)
    estimate = m_o / m_h
    half = CRITICAL * np.sqrt(v_o + estimate**2 * v_h) / m_h
    return estimate - half > ratio, estimate + half < ratio


def is_published(optimized: Arm, holdout: Arm, kind: str) -> Flags:
    """Return where data are enough for intervals, and for rates where there is a ratio."""
    published = is_supported(optimized, holdout, kind)
    if kind == "bool":
        compared = (optimized.users > 0) & (holdout.users > 0)
        published &= (holdout.value_sum * compared).sum(-1) > 0
    return published


def is_supported(optimized: Arm, holdout: Arm, kind: str) -> Flags:
    """Return where data are enough: the rule of metrics.stats.minimum_data."""
    published = np.ones(optimized.users.shape[:-1], dtype=bool)
    x = optimized.value_sum + holdout.value_sum
    rate = x / np.maximum(optimized.users + holdout.users, 1)
    compared = (optimized.users > 0) & (holdout.users > 0)
    for arm in (optimized, holdout):
        published &= (arm.users * compared).sum(-1) >= minimum_data.MINIMUM_USERS
        if kind == "bool":
            expected = (rate * arm.users * compared).sum(-1)
            other = ((1 - rate) * arm.users * compared).sum(-1)
            published &= (
                np.minimum(expected, other) >= minimum_data.MINIMUM_EXPECTED_CONVERSIONS
            )
        else:
            nonzero = arm.value_sum**2 / np.maximum(arm.squares, 1e-300)
            published &= (nonzero * compared).sum(
                -1
            ) >= minimum_data.MINIMUM_CONVERSIONS
    return published


def compute_anytime_critical(
    optimized: Arm, holdout: Arm, planned: float | Array, alpha: float = ALPHA
) -> Array:
    """Return critical values valid at all looks; ``planned``: expected information."""
    tuned = -2 * np.log(ALPHA) + np.log1p(-2 * np.log(ALPHA))
    e = np.maximum(tuned * compute_weights(optimized, holdout).sum(-1) / planned, 1e-12)
    critical: Array = np.sqrt((1 + 1 / e) * (np.log1p(e) - 2 * np.log(alpha)))
    return critical


def compute_planned_information(expected_users: int, share: float) -> float:
    """Return Σ n_o·n_h/(n_o+n_h) at the expected size."""
    return (expected_users or anytime.DEFAULT_EXPECTED_USERS) * share * (1 - share)

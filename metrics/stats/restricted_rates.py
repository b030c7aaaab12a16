"""The most likely conversion rates of both arms under a hypothesis, on arrays.

Miettinen and Nurminen, Statistics in Medicine 4 (1985) 213-226. `metrics.stats.score`
has the same formulas for single numbers, where they are faster.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.stats.totals import Stratum

Floats = NDArray[np.float64]
Rates = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class RateCounts:
    """Users and conversions of both arms; the last axis is the regime.

    Every regime has users in both arms, or in none.
    """

    optimized_users: Floats
    optimized_converted: Floats
    holdout_users: Floats
    holdout_converted: Floats

    @classmethod
    def from_strata(cls, strata: tuple[Stratum, ...]) -> "RateCounts":
        """Return the counts [regime] of `bool` totals."""
        rows = [
            (float(o.users), o.value_sum, float(h.users), h.value_sum)
            for o, h in strata
        ]
        return cls(*np.array(rows, dtype=float).reshape(-1, 4).T)


def fit_rates_under_ratio(counts: RateCounts, ratio: Floats) -> Rates:
    """Return the rates (optimized, holdout) with p_o = ratio · p_h, ratio above 0.

    p_h is the smaller root of a·p² - b·p + c = 0, in the form without cancellation. All
    three are divided by the ratio if it is above 1, so that no square overflows.
    """
    n_o, x_o = counts.optimized_users, counts.optimized_converted
    n_h, x_h = counts.holdout_users, counts.holdout_converted
    unit = np.maximum(ratio, 1.0)
    scaled, c = ratio / unit, (x_o + x_h) / unit
    b = (n_o + x_h) * scaled + (x_o + n_h) / unit
    root = np.sqrt(np.maximum(b * b - 4 * (n_o + n_h) * scaled * c, 0.0))
    p_h = 2 * c / np.maximum(b + root, 1e-300)
    p_h = np.minimum(np.minimum(p_h, 1.0), 1 / ratio)
    return np.minimum(ratio * p_h, 1.0), p_h


def fit_rates_under_difference(counts: RateCounts, difference: Floats) -> Rates:
    """Return the rates (optimized, holdout) with p_o = p_h + difference.

    p_h is a root of the 1985 paper's cubic, by the trigonometric formula.
    """
    d, n_h, x_h = difference, counts.holdout_users, counts.holdout_converted
    n = np.maximum(counts.optimized_users + n_h, 1.0)
    x = counts.optimized_converted + x_h
    square = ((n + n_h) * d - n - x) / (3 * n)
    linear = (n_h * d - n - 2 * x_h) * d + x
    constant = x_h * d * (1 - d)
    q = square**3 - square * linear / (2 * n) + constant / (2 * n)
    size = np.sqrt(np.maximum(square * square - linear / (3 * n), 0.0))
    p = np.copysign(size, q)
    cosine = np.divide(q, p**3, out=np.zeros_like(q), where=np.abs(p) > 1e-100)
    angle = (np.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3
    p_h = 2 * p * np.cos(angle) - square
    p_h = np.clip(p_h, np.maximum(0.0, -d), np.minimum(1.0, 1 - d))
    return np.clip(p_h + d, 0.0, 1.0), p_h

"""The score statistic of two conversion rates, over regimes.

Miettinen and Nurminen, "Comparative analysis of two rates", Statistics in
Medicine 4 (1985) 213-226. A hypothesis (this ratio, this difference) is
tested with the variance that holds *under it*, so the test keeps its level
with small and unequal arms. The interval holds all hypotheses that the test
does not reject.
"""

import math
from collections.abc import Callable

from metrics.stats.means import Interval
from metrics.stats.roots import find_accepted_end
from metrics.stats.totals import Stratum, compute_weight

LOG_LIMIT = 600.0
MAX_DIFFERENCE = 1 - 1e-12

RestrictedRates = Callable[[Stratum, float], tuple[float, float]]


def compute_ratio_z(strata: tuple[Stratum, ...], ratio: float) -> float:
    """Return z of the hypothesis p_optimized = ratio · p_holdout.

    It is negative for ratios above the estimate.
    """
    return _compute_z(strata, _fit_rates_under_ratio, ratio, ratio, 0.0)


def compute_difference_z(strata: tuple[Stratum, ...], difference: float) -> float:
    """Return z of the hypothesis p_optimized = p_holdout + difference."""
    return _compute_z(strata, _fit_rates_under_difference, difference, 1.0, difference)


def compute_ratio_interval(
    strata: tuple[Stratum, ...], estimate: float, critical: float
) -> Interval:
    """Return the ratios with |z| ≤ critical around the estimate (finite, above 0).

    An end is 0 or infinity if no ratio, however small or large, is rejected.
    """

    def excess(log_ratio: float) -> float:
        return abs(compute_ratio_z(strata, math.exp(log_ratio))) - critical

    center = math.log(estimate)
    low = find_accepted_end(excess, center, 0.0, -LOG_LIMIT)
    high = find_accepted_end(excess, center, 0.0, LOG_LIMIT)
    return (
        math.exp(low) if low > -LOG_LIMIT else 0.0,
        math.exp(high) if high < LOG_LIMIT else math.inf,
    )


def compute_difference_interval(
    strata: tuple[Stratum, ...], estimate: float, critical: float
) -> Interval:
    """Return the differences of rates with |z| ≤ critical, from -1 to 1."""

    def excess(difference: float) -> float:
        return abs(compute_difference_z(strata, difference)) - critical

    center = min(max(estimate, -MAX_DIFFERENCE), MAX_DIFFERENCE)
    low = find_accepted_end(excess, center, 0.0, -MAX_DIFFERENCE)
    high = find_accepted_end(excess, center, 0.0, MAX_DIFFERENCE)
    return (
        low if low > -MAX_DIFFERENCE else -1.0,
        high if high < MAX_DIFFERENCE else 1.0,
    )


def _compute_z(
    strata: tuple[Stratum, ...],
    fit_rates: RestrictedRates,
    parameter: float,
    ratio: float,
    shift: float,
) -> float:
    """Return the weighted distance from the hypothesis over its standard error.

    The hypothesis is p_optimized = ratio · p_holdout + shift. Distance and variance are
    sums over regimes with Mantel-Haenszel weights; n/(n-1) is Miettinen and Nurminen's
    correction.
    """
    distance = variance = 0.0
    for stratum in strata:
        optimized, holdout = stratum
        users = optimized.users + holdout.users
        w = compute_weight(stratum)
        p_o, p_h = fit_rates(stratum, parameter)
        spread = p_o * (1 - p_o) / optimized.users
        spread += ratio * ratio * (p_h * (1 - p_h) / holdout.users)
        distance += w * (optimized.mean - ratio * holdout.mean - shift)
        variance += w * w * spread * users / (users - 1)
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _fit_rates_under_ratio(stratum: Stratum, ratio: float) -> tuple[float, float]:
    """Return the most likely rates (optimized, holdout) with p_o = ratio · p_h.

    p_h is the smaller root of a·p² - b·p + c = 0, in the form without cancellation.
    """
    optimized, holdout = stratum
    converted = optimized.value_sum + holdout.value_sum
    a = (optimized.users + holdout.users) * ratio
    b = (optimized.users + holdout.value_sum) * ratio
    b += optimized.value_sum + holdout.users
    root = math.sqrt(max(b * b - 4 * a * converted, 0.0))
    p_h = min(2 * converted / (b + root), 1.0, 1 / ratio)
    return min(ratio * p_h, 1.0), p_h


def _fit_rates_under_difference(stratum: Stratum, d: float) -> tuple[float, float]:
    """Return the most likely rates (optimized, holdout) with p_o = p_h + d.

    p_h is a root of the 1985 paper's cubic, by the trigonometric formula.
    """
    optimized, holdout = stratum
    n_o, n_h, x_h = optimized.users, holdout.users, holdout.value_sum
    n, x = n_o + n_h, optimized.value_sum + x_h
    cubic = float(n)
    square = ((n_o + 2 * n_h) * d - n - x) / (3 * cubic)
    linear = (n_h * d - n - 2 * x_h) * d + x
    constant = x_h * d * (1 - d)
    q = square**3 - square * linear / (2 * cubic) + constant / (2 * cubic)
    size = math.sqrt(max(square * square - linear / (3 * cubic), 0.0))
    p = math.copysign(size, q)
    cosine = q / p**3 if p**3 else 0.0
    angle = (math.pi + math.acos(max(-1.0, min(1.0, cosine)))) / 3
    p_h = 2 * p * math.cos(angle) - square
    p_h = max(0.0, -d, min(p_h, 1.0, 1 - d))
    return max(0.0, min(p_h + d, 1.0)), p_h

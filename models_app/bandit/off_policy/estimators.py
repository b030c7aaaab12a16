"""Mean values per user as linear forms of cells: estimates, errors, intervals."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.data.logged_data import LoggedCells
from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.off_policy.importance_weights import WeightedCells

CRITICAL = NormalDist().inv_cdf(0.975)

DIFFERENCE_WIDENING = 1.15
"""By how much intervals of differences are widened.

Fewer users carry a difference than either policy's value. Unwidened, such intervals
covered 89 to 95% of the truth after adaptive allocation (15 cases of 200 runs).
"""


@dataclass(frozen=True, slots=True)
class ValueEstimate:
    """A mean value per user with its central 95% interval.

    `effective_sample_size`: how many users, served by the policy itself, would give the
    same standard error.
    """

    value: float
    lo: float
    hi: float
    effective_sample_size: float


@dataclass(frozen=True, slots=True)
class LinearEstimate:
    """An estimate and what a user adds to it, constant + slope · value, both [n]."""

    value: float
    constant: Floats
    slope: Floats


def estimate_ips(logged: LoggedCells, given: WeightedCells) -> LinearEstimate:
    """Mean of weight times value (Horvitz and Thompson 1952)."""
    value = float(given.weight @ logged.value_sum / logged.users.sum())
    return LinearEstimate(value, np.zeros_like(given.weight), given.weight)


def estimate_snips(logged: LoggedCells, given: WeightedCells) -> LinearEstimate:
    """Σ weight · value / Σ weight (Hájek 1971), linearized for its error."""
    total = float(given.weight @ logged.users)
    value = float(given.weight @ logged.value_sum) / total
    slope = given.weight * (float(logged.users.sum()) / total)
    return LinearEstimate(value, -slope * value, slope)


def estimate_doubly_robust(logged: LoggedCells, given: WeightedCells) -> LinearEstimate:
    """Mean of the model's value and the weighted residual (Dudík and others 2011)."""
    total = given.offset @ logged.users + given.weight @ logged.value_sum
    return LinearEstimate(float(total / logged.users.sum()), given.offset, given.weight)


def add_interval(
    linear: LinearEstimate,
    logged: LoggedCells,
    strata: Integers,
    spread: float,
    *,
    binary: bool,
) -> ValueEstimate:
    """Put an interval around an estimate.

    `spread` is the variance of a user's value under the policy. For `binary` values
    Wilson's interval (1927) with the effective sample size, else the normal one.
    """
    error = _compute_standard_error(linear, logged, strata)
    size = spread / error**2 if error > 0 else 0.0
    if binary and 0 < linear.value < 1 and error > 0:
        lo, hi = _compute_wilson_interval(linear.value, error)
    else:
        half = CRITICAL * error
        lo, hi = linear.value - half, linear.value + half
    return ValueEstimate(linear.value, lo, hi, size)


def estimate_difference(
    one: LinearEstimate,
    other: LinearEstimate,
    logged: LoggedCells,
    strata: Integers,
    *,
    binary: bool,
) -> tuple[float, float, float]:
    """Return one minus other on the same users, with its 95% interval.

    Both intervals are joined by how far the estimates move together (Zou and Donner
    2008): rare conversions make each lean to one side, and their difference too.
    """
    apart = LinearEstimate(
        one.value - other.value, one.constant - other.constant, one.slope - other.slope
    )
    error = _compute_standard_error(apart, logged, strata)
    mine = add_interval(one, logged, strata, 0.0, binary=binary)
    theirs = add_interval(other, logged, strata, 0.0, binary=binary)
    errors = (
        _compute_standard_error(one, logged, strata),
        _compute_standard_error(other, logged, strata),
    )
    if not error or not all(errors):
        return apart.value, apart.value, apart.value
    together = (errors[0] ** 2 + errors[1] ** 2 - error**2) / (2 * math.prod(errors))
    below = one.value - mine.lo, theirs.hi - other.value
    above = mine.hi - one.value, other.value - theirs.lo
    return (
        apart.value,
        apart.value - DIFFERENCE_WIDENING * _combine_margins(*below, together),
        apart.value + DIFFERENCE_WIDENING * _combine_margins(*above, together),
    )


def _combine_margins(one: float, other: float, together: float) -> float:
    return math.sqrt(max(one**2 + other**2 - 2 * together * one * other, 0.0))


def estimate_variance(logged: LoggedCells, given: WeightedCells) -> float:
    """Variance of a user's value under the target."""
    total = float(given.weight @ logged.users)
    mean = float(given.weight @ logged.value_sum) / total
    return max(float(given.weight @ logged.value_sum_squares) / total - mean**2, 0.0)


def _compute_standard_error(
    linear: LinearEstimate, logged: LoggedCells, strata: Integers
) -> float:
    """Return the standard error of an estimate, from the variance within strata.

    A stratum of one user counts with its square, which is too much rather than too
    little.
    """
    n, s, q = logged.users, logged.value_sum, logged.value_sum_squares
    a, b = linear.constant, linear.slope
    size = int(strata.max()) + 1
    users = sum_by_index(strata, n, size)
    mean = sum_by_index(strata, n * a + s * b, size) / users
    mean[users <= 1] = 0.0
    a = a - mean[strata]
    squares = sum_by_index(strata, n * a * a + 2 * a * b * s + b * b * q, size)
    variance = np.maximum(squares, 0.0) * users / np.maximum(users - 1, 1)
    return math.sqrt(float(variance.sum())) / float(n.sum())


def _compute_wilson_interval(rate: float, error: float) -> tuple[float, float]:
    """Wilson's interval of a rate known to a standard error."""
    size = rate * (1 - rate) / error**2
    z = CRITICAL
    centre = (rate + z * z / (2 * size)) / (1 + z * z / size)
    half = z * math.hypot(error, z / (2 * size)) / (1 + z * z / size)
    return centre - half, centre + half

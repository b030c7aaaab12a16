"""The likelihood of cells arranged for Newton's method, and its derivatives."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.regression import delay_covariates
from models_app.bandit.regression.gram import CrossedFeatures, cross_features

# Most knots of the time curve; more days than that share its pieces.
MAX_KNOTS = 32


@dataclass(frozen=True, slots=True)
class Noise:
    """Spread of normal responses around their cell's linear predictor.

    Attributes
    ----------
    variance: variance of one response.
    squares: sum of all squared responses.
    dof: weight, in responses, of the `prior` variance while the variance is learned;
        infinite if it is known.
    prior: prior variance.

    """

    variance: float
    squares: float
    dof: float
    prior: float


@dataclass(frozen=True, slots=True)
class RegressionSystem:
    """Counts and features of n cells in T strata, with U distinct feature rows.

    The linear predictor of a cell is curve[stratum]·θ[:k] + rows[row]·θ[k:] + the
    stratum's own effect (docs/model.md).

    Attributes
    ----------
    curve: [T, k] the intercept and the steps of a random walk.
    rows: [U, p - k] the design's q features, then `delay_count` columns that absorb the
        delay of variants (delay_covariates.py), then one column for each change.
    stratum, row: indices [n]; `stratum` is sorted.
    users, successes: [n]; for normal responses their number and sum.
    stratum_time: days [T] since the first stratum's day.
    change_directions: [m, q] in which the world changed (change_points.py).
    crossing: the design's features as products, if that saves work.
    noise: of normal responses; None if responses are binomial.

    """

    curve: Floats
    rows: Floats
    stratum: Integers
    row: Integers
    users: Floats
    successes: Floats
    stratum_time: Floats
    delay_count: int
    change_directions: Floats
    crossing: CrossedFeatures | None = None
    noise: Noise | None = None

    @property
    def size(self) -> int:
        """p: number of coefficients θ, without the strata's own effects."""
        return int(self.curve.shape[1] + self.rows.shape[1])


@dataclass(frozen=True, slots=True)
class Derivatives:
    """First and second derivatives of the log likelihood at a point.

    Attributes
    ----------
    gradient, gradient_own: [p] and [T] for θ and for the strata's own effects.
    curvature, curvature_own: minus the second derivatives [p, p] and [T]; own effects
        of different strata do not interact.
    curvature_cross: minus the mixed second derivatives [T, p].
    log_likelihood: its value at the point.
    variance: of the noise; 1 without noise.

    """

    gradient: Floats
    gradient_own: Floats
    curvature: Floats
    curvature_own: Floats
    curvature_cross: Floats
    log_likelihood: float
    variance: float


def arrange_cells(
    design: Design, cells: TrainingCells, sums: Floats | None = None
) -> RegressionSystem:
    """Arrange cells for the fit, without those that have no users and no information.

    `sums` [n] of responses replace the successes if cells are not binomial.
    """
    if sums is None:
        sums = np.minimum(cells.successes, cells.users)
    order = np.flatnonzero(cells.users > 0)
    order = order[np.argsort(cells.stratum[order], kind="stable")]
    keys = cells.variant[order] * design.context_cells + cells.context[order]
    delay_steps = delay_covariates.compute_delay_steps(cells, order)
    _, first, row = np.unique(
        delay_covariates.build_row_keys(keys, delay_steps),
        return_index=True,
        return_inverse=True,
    )
    variant, context = cells.variant[order][first], cells.context[order][first]
    features = design.rows(variant, context)
    delays = delay_covariates.build_delay_columns(design, features, delay_steps[first])
    time = cells.stratum_time if len(cells.stratum_time) else np.zeros(1)
    return RegressionSystem(
        curve=_build_time_curve(time),
        rows=np.concatenate([features, delays], axis=1),
        stratum=cells.stratum[order],
        row=row,
        users=cells.users[order].astype(np.float64),
        successes=sums[order].astype(np.float64),
        stratum_time=time,
        delay_count=delays.shape[1],
        change_directions=np.zeros((0, design.columns)),
        crossing=cross_features(design, variant, context),
    )


def compute_predictor(system: RegressionSystem, theta: Floats, own: Floats) -> Floats:
    """Return the linear predictor [n] at coefficients θ [p] and own effects [T]."""
    k = system.curve.shape[1]
    by_stratum = system.curve @ theta[:k] + own
    return by_stratum[system.stratum] + (system.rows @ theta[k:])[system.row]


def compute_log_likelihood(system: RegressionSystem, eta: Floats) -> float:
    """Return the log likelihood at predictor [n], without binomial coefficients."""
    noise = system.noise
    if noise is not None:
        squares = noise.squares + (system.users * eta - 2.0 * system.successes) @ eta
        normalizer = system.users.sum() * np.log(2.0 * np.pi * noise.variance)
        return float(-0.5 * (squares / noise.variance + normalizer))
    terms = system.successes * eta - system.users * np.logaddexp(0.0, eta)
    return float(terms.sum())


def compute_derivatives(
    system: RegressionSystem, eta: Floats, previous: Derivatives | None = None
) -> Derivatives:
    """Return the derivatives at linear predictor [n].

    The cost does not depend on the number of users. For normal responses the second
    derivatives are the same everywhere, except for the variance of the noise; so those
    of `previous`, at another point of the same system, are rescaled.
    """
    residual, weight = compute_slopes(system, eta)
    by_stratum = sum_by_index(system.stratum, residual, len(system.curve))
    by_row = sum_by_index(system.row, residual, len(system.rows))
    variance = 1.0 if system.noise is None else system.noise.variance
    if system.noise is None or previous is None:
        second = _compute_second_derivatives(system, weight)
    else:
        ratio = previous.variance / variance
        second = (
            previous.curvature * ratio,
            previous.curvature_own * ratio,
            previous.curvature_cross * ratio,
        )
    return Derivatives(
        np.concatenate([system.curve.T @ by_stratum, system.rows.T @ by_row]),
        by_stratum,
        *second,
        compute_log_likelihood(system, eta),
        variance,
    )


def _compute_second_derivatives(
    system: RegressionSystem, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return minus the second derivatives: of θ [p, p], own [T] and mixed [T, p]."""
    rows, curve = system.rows, system.curve
    by_row = sum_by_index(system.row, weight, len(rows))
    by_stratum = sum_by_index(system.stratum, weight, len(curve))
    features = sum_by_stratum(system, weight, rows)
    cross = np.concatenate([curve * by_stratum[:, None], features], axis=1)
    k = curve.shape[1]
    curvature = np.empty((system.size, system.size))
    curvature[:k] = curve.T @ cross
    curvature[k:, :k] = curvature[:k, k:].T
    curvature[k:, k:] = _compute_gram(system, by_row)
    return curvature, by_stratum, cross


def _compute_gram(system: RegressionSystem, weight: Floats) -> Floats:
    """Return the sum [p - k, p - k] of the rows' outer products, weighted by [U]."""
    rows = system.rows
    if system.crossing is None:
        scaled = rows * np.sqrt(weight)[:, None]
        return np.asarray(scaled.T @ scaled)
    design_gram = system.crossing.compute_gram(weight)
    q = len(design_gram)
    if q == rows.shape[1]:
        return design_gram
    gram = np.empty((rows.shape[1], rows.shape[1]))
    gram[:q, :q] = design_gram
    gram[q:] = (rows[:, q:] * weight[:, None]).T @ rows
    gram[:q, q:] = gram[q:, :q].T
    return gram


def compute_slopes(system: RegressionSystem, eta: Floats) -> tuple[Floats, Floats]:
    """Return the log likelihood's first derivatives [n] and minus the second ones [n].

    Both are derivatives with respect to each cell's linear predictor.
    """
    if system.noise is not None:
        precision = 1.0 / system.noise.variance
        residual = system.successes - system.users * eta
        return residual * precision, system.users * precision
    rate = special.expit(eta)
    residual = system.successes - system.users * rate
    return residual, system.users * rate * (1.0 - rate)


def sum_by_stratum(
    system: RegressionSystem, weight: Floats, features: Floats
) -> Floats:
    """Return the sums [T, ·] of features [U, ·] in each stratum, weighted by [n]."""
    strata = len(system.curve)
    starts = np.searchsorted(system.stratum, np.arange(strata + 1))
    shape = strata, len(system.rows)
    table = sparse.csr_array((weight, system.row, starts), shape=shape)
    return np.asarray(table @ features)


def _build_time_curve(time: Floats) -> Floats:
    """Return an intercept and a random walk's steps [T, k], scaled to a day's step."""
    days = len(np.unique(np.floor(time)))
    knots = min(days, MAX_KNOTS)
    if knots < 2 or time[-1] <= 0:
        return np.ones((len(time), 1))
    width = time[-1] / (knots - 1)
    starts = width * np.arange(knots - 1)
    steps = np.clip((time[:, None] - starts) / width, 0.0, 1.0)
    return np.concatenate([np.ones((len(time), 1)), np.sqrt(width) * steps], axis=1)

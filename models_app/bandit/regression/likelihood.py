"""Cells arranged for Newton's method: likelihood, gradient and curvature from counts."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.regression import delay_covariates
from models_app.bandit.regression.gram import CrossedFeatures, cross_features

MAX_KNOTS = 32
"""Steps of the smooth curve of time; more strata than this share its segments."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Spread of single responses around a cell's linear predictor, where they are normal.

    `variance` is of one response, `squares` the sum of all squared responses. `dof` is
    the weight, in responses, of the `prior` variance while it is learnt; infinite: it
    is known.
    """

    variance: float
    squares: float
    dof: float
    prior: float


@dataclass(frozen=True, slots=True)
class RegressionSystem:
    """Counts and features of n cells in T strata.

    The linear predictor of a cell is curve[stratum] · θ[:k] + rows[row] · θ[k:] + the
    stratum's own effect. `curve` [T, k] holds the intercept and the steps of a random
    walk; `rows` [U, p - k] the distinct feature rows: the design's q, then `late`
    columns (lateness.py), which soak up that some variants convert later than others,
    then one for each direction of `changed` [m, q] in which the world moved at some
    time (changes.py). `crossing` knows the design's as products, where that spares work.
    """

    curve: Floats
    rows: Floats
    stratum: Integers
    row: Integers
    users: Floats
    successes: Floats
    time: Floats
    late: int
    changed: Floats
    crossing: CrossedFeatures | None = None
    noise: Noise | None = None

    @property
    def size(self) -> int:
        """p: coefficients beside the strata's own effects."""
        return int(self.curve.shape[1] + self.rows.shape[1])


@dataclass(frozen=True, slots=True)
class Derivatives:
    """First and second derivatives of the log likelihood at a point.

    `own` [T] and `gradient_own` [T] belong to the strata's own effects, `shared` [p, p]
    and `gradient` [p] to the other coefficients, `cross` [T, p] to both. `height` is
    the log likelihood there, `variance` that of the noise, 1 without.
    """

    gradient: Floats
    gradient_own: Floats
    shared: Floats
    own: Floats
    cross: Floats
    height: float
    variance: float


def arrange_cells(
    design: Design, cells: TrainingCells, sums: Floats | None = None
) -> RegressionSystem:
    """Arrange cells; cells without users carry no information and are left out.

    `sums` [n] of responses stand in for the successes where cells are not binomial.
    """
    if sums is None:
        sums = np.minimum(cells.successes, cells.users)
    kept = np.flatnonzero(cells.users > 0)
    kept = kept[np.argsort(cells.stratum[kept], kind="stable")]
    keys = cells.variant[kept] * design.segments + cells.context[kept]
    waits = delay_covariates.compute_delay_steps(cells, kept)
    _, first, row = np.unique(
        delay_covariates.build_row_keys(keys, waits),
        return_index=True,
        return_inverse=True,
    )
    whose = cells.variant[kept][first], cells.context[kept][first]
    rows = design.rows(*whose)
    slow = delay_covariates.build_delay_columns(design, rows, waits[first])
    time = cells.stratum_time if len(cells.stratum_time) else np.zeros(1)
    return RegressionSystem(
        curve=_build_time_curve(time),
        rows=np.concatenate([rows, slow], axis=1),
        stratum=cells.stratum[kept],
        row=row,
        users=cells.users[kept].astype(np.float64),
        successes=sums[kept].astype(np.float64),
        time=time,
        late=slow.shape[1],
        changed=np.zeros((0, design.columns)),
        crossing=cross_features(design, *whose),
    )


def compute_predictor(system: RegressionSystem, theta: Floats, own: Floats) -> Floats:
    """Linear predictor [n] of the cells at coefficients θ [p] and own effects [T]."""
    k = system.curve.shape[1]
    strata = system.curve @ theta[:k] + own
    return strata[system.stratum] + (system.rows @ theta[k:])[system.row]


def compute_log_likelihood(system: RegressionSystem, eta: Floats) -> float:
    """Log likelihood at linear predictor [n], binomial coefficients left out."""
    noise = system.noise
    if noise is not None:
        off = noise.squares + (system.users * eta - 2.0 * system.successes) @ eta
        height = system.users.sum() * np.log(2.0 * np.pi * noise.variance)
        return float(-0.5 * (off / noise.variance + height))
    terms = system.successes * eta - system.users * np.logaddexp(0.0, eta)
    return float(terms.sum())


def compute_derivatives(
    system: RegressionSystem, eta: Floats, known: Derivatives | None = None
) -> Derivatives:
    """Derivatives at linear predictor [n]; the cost is flat in the number of users.

    Normal responses have the same second derivatives everywhere, but for the variance
    of their noise; theirs are taken from `known` ones of the same cells.
    """
    residual, weight = compute_slopes(system, eta)
    pull = sum_by_index(system.stratum, residual, len(system.curve))
    by_row = sum_by_index(system.row, residual, len(system.rows))
    gradient = np.concatenate([system.curve.T @ pull, system.rows.T @ by_row])
    height = compute_log_likelihood(system, eta)
    if system.noise is None:
        return Derivatives(
            gradient, pull, *_compute_second_derivatives(system, weight), height, 1.0
        )
    variance = system.noise.variance
    if known is None:
        return Derivatives(
            gradient,
            pull,
            *_compute_second_derivatives(system, weight),
            height,
            variance,
        )
    ratio = known.variance / variance
    second = known.shared * ratio, known.own * ratio, known.cross * ratio
    return Derivatives(gradient, pull, *second, height, variance)


def _compute_second_derivatives(
    system: RegressionSystem, weight: Floats
) -> tuple[Floats, Floats, Floats]:
    """Minus the second derivatives: shared [p, p], own [T] and cross [T, p]."""
    rows, curve = system.rows, system.curve
    by_row = sum_by_index(system.row, weight, len(rows))
    by_stratum = sum_by_index(system.stratum, weight, len(curve))
    features = sum_by_stratum(system, weight, rows)
    cross = np.concatenate([curve * by_stratum[:, None], features], axis=1)
    k = curve.shape[1]
    shared = np.empty((system.size, system.size))
    shared[:k] = curve.T @ cross
    shared[k:, :k] = shared[:k, k:].T
    shared[k:, k:] = _compute_gram(system, by_row)
    return shared, by_stratum, cross


def _compute_gram(system: RegressionSystem, weight: Floats) -> Floats:
    """Sum [p - k, p - k] of the rows' outer products with themselves, by weight [U]."""
    rows = system.rows
    if system.crossing is None:
        scaled = rows * np.sqrt(weight)[:, None]
        return np.asarray(scaled.T @ scaled)
    designed = system.crossing.compute_gram(weight)
    q = len(designed)
    if q == rows.shape[1]:
        return designed
    gram = np.empty((rows.shape[1], rows.shape[1]))
    gram[:q, :q] = designed
    gram[q:] = (rows[:, q:] * weight[:, None]).T @ rows
    gram[:q, q:] = gram[q:, :q].T
    return gram


def compute_slopes(system: RegressionSystem, eta: Floats) -> tuple[Floats, Floats]:
    """First derivatives [n] of the log likelihood, and minus the second ones."""
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
    """Sums [T, ·], weighted by [n], of features [U, ·] of rows within each stratum."""
    strata = len(system.curve)
    starts = np.searchsorted(system.stratum, np.arange(strata + 1))
    shape = strata, len(system.rows)
    table = sparse.csr_array((weight, system.row, starts), shape=shape)
    return np.asarray(table @ features)


def _build_time_curve(time: Floats) -> Floats:
    """Intercept and steps of a random walk [T, k] whose unit is a day's step."""
    days = len(np.unique(np.floor(time)))
    knots = min(days, MAX_KNOTS)
    if knots < 2 or time[-1] <= 0:
        return np.ones((len(time), 1))
    width = time[-1] / (knots - 1)
    starts = width * np.arange(knots - 1)
    steps = np.clip((time[:, None] - starts) / width, 0.0, 1.0)
    return np.concatenate([np.ones((len(time), 1)), np.sqrt(width) * steps], axis=1)

"""Newton's method on the log posterior at fixed prior scales, strata eliminated."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models_app.bandit.design.design import Floats
from models_app.bandit.regression import prior_scales
from models_app.bandit.regression.likelihood import (
    Derivatives,
    RegressionSystem,
    compute_derivatives,
    compute_log_likelihood,
    compute_predictor,
)
from models_app.bandit.regression.prior_scales import PosteriorMoments, ScaleGroup

MAX_STEPS, MAX_HALVINGS = 100, 40
RIDGES = (0.0, 1e-14, 1e-12, 1e-10)
# Newton decrement below which a full step is safe; rounding hides so small a rise.
QUADRATIC_DECREMENT = 1e-4

# Newton decrement at which the mode counts as reached: fixed, and per user.
TOLERANCE, ROUNDING = 1e-9, 1e-14


class NotConvergedError(RuntimeError):
    """The fit found no mode: there is no posterior and the live policy stays."""


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A point of the search.

    Attributes
    ----------
    theta: coefficients θ [p].
    own: the strata's own effects [T].
    log_variances: logs of the prior variances (squared scales) [G + 1].

    """

    theta: Floats
    own: Floats
    log_variances: Floats


@dataclass(frozen=True, slots=True)
class NewtonStep:
    """A Newton step and the normal approximation it leads to.

    Attributes
    ----------
    step, step_own: [p] and [T] from the point to the approximation's mean.
    decrement: twice the rise of the log posterior on that way.
    factor: lower Cholesky factor of the precision [p, p] of θ.
    diagonal: precision [T] of own effects given θ.
    ratio: [T, p] minus the slope of own effects on θ.

    """

    step: Floats
    step_own: Floats
    decrement: float
    factor: Floats
    diagonal: Floats
    ratio: Floats

    def covariance(self) -> Floats:
        """Return the covariance [p, p] of θ."""
        return symmetrize_lower(self.covariance_triangle())

    def apply_covariance(self, vector: Floats) -> Floats:
        """Return the product [p] of the covariance of θ with a vector [p]."""
        product, _ = linalg.lapack.dpotrs(self.factor, vector, lower=1)
        return np.asarray(product)

    def covariance_triangle(self) -> Floats:
        """Return the lower triangle [p, p] of the covariance of θ, zeros above."""
        lower, _ = linalg.lapack.dpotri(self.factor, lower=1)
        return np.asarray(lower)


def symmetrize_lower(lower: Floats) -> Floats:
    """Return the symmetric matrix [p, p] that has this lower triangle, zeros above."""
    symmetric = lower + lower.T
    symmetric.flat[:: len(symmetric) + 1] /= 2.0
    return np.asarray(symmetric)


@dataclass(frozen=True, slots=True)
class Mode:
    """The most probable point at its scales, and the normal approximation there."""

    point: SearchPoint
    derivatives: Derivatives
    newton_step: NewtonStep
    steps: int


def find_mode(
    system: RegressionSystem,
    groups: tuple[ScaleGroup, ...],
    point: SearchPoint,
    derivatives: Derivatives | None = None,
) -> Mode:
    """Climb from a point to the mode at the point's scales.

    `derivatives` at another point save work (likelihood.compute_derivatives). Raises
    NotConvergedError if no mode is found.
    """
    tolerance = TOLERANCE + ROUNDING * system.users.sum()
    for steps in range(MAX_STEPS):
        derivatives = compute_derivatives(
            system, compute_point_predictor(system, point), derivatives
        )
        newton_step = solve_step(groups, derivatives, point)
        if newton_step.decrement < tolerance:
            return Mode(point, derivatives, newton_step, steps)
        point = take_step(system, groups, point, derivatives, newton_step)
    raise NotConvergedError(f"no mode within {MAX_STEPS} Newton steps")


def choose_start_point(
    system: RegressionSystem, groups: tuple[ScaleGroup, ...]
) -> SearchPoint:
    """Return the start: the overall rate, no effects, scales at their prior medians.

    Normal responses start at the prior mean of the intercept.
    """
    theta = np.zeros(system.size)
    theta[0] = prior_scales.INTERCEPT_MEAN
    if system.noise is None:
        rate = (system.successes.sum() + 0.5) / (system.users.sum() + 10.0)
        theta[0] = np.log(rate / (1.0 - min(rate, 0.999)))
    own = np.zeros(len(system.curve))
    return SearchPoint(theta, own, prior_scales.compute_prior_log_medians(groups))


def compute_point_predictor(system: RegressionSystem, point: SearchPoint) -> Floats:
    """Return the linear predictor [n] of the cells at a point."""
    return compute_predictor(system, point.theta, point.own)


def solve_step(
    groups: tuple[ScaleGroup, ...], derivatives: Derivatives, point: SearchPoint
) -> NewtonStep:
    """Solve for a Newton step, the own effects eliminated by the Schur complement.

    Raises NotConvergedError if the numbers are not finite or not positive definite.
    """
    size = len(point.theta)
    precision = prior_scales.compute_precisions(groups, point.log_variances, size)
    own_precision = np.exp(-point.log_variances[-1])
    diagonal = derivatives.curvature_own + own_precision
    ratio = derivatives.curvature_cross / diagonal[:, None]
    reduced = derivatives.curvature - derivatives.curvature_cross.T @ ratio
    reduced.flat[:: size + 1] += precision
    slope = derivatives.gradient - precision * (
        point.theta - prior_scales.compute_prior_means(size)
    )
    slope_own = derivatives.gradient_own - own_precision * point.own
    factor = _factorize_precision(reduced, np.diag(derivatives.curvature))
    step, _ = linalg.lapack.dpotrs(factor, slope - ratio.T @ slope_own, lower=1)
    step_own = (slope_own - derivatives.curvature_cross @ step) / diagonal
    decrement = float(slope @ step + slope_own @ step_own)
    if not np.isfinite(decrement):
        raise NotConvergedError("the Newton step is not finite")
    return NewtonStep(step, step_own, decrement, factor, diagonal, ratio)


def _factorize_precision(reduced: Floats, scale: Floats) -> Floats:
    """Return the Cholesky factor, adding a ridge if rounding requires it.

    Elimination may cancel billions of users. The ridges are of the size of rounding
    errors in the numbers `scale` [p] that it subtracts from.
    """
    for ridge in RIDGES:
        matrix = reduced + np.diag(ridge * scale) if ridge else reduced
        factor, error = linalg.lapack.dpotrf(matrix, lower=1)
        if not error:
            return np.asarray(factor)
    raise NotConvergedError("the curvature is not positive definite")


def take_step(
    system: RegressionSystem,
    groups: tuple[ScaleGroup, ...],
    point: SearchPoint,
    derivatives: Derivatives,
    newton_step: NewtonStep,
) -> SearchPoint:
    """Take the step, halved until the log posterior does not fall.

    `derivatives` are those at the point. Raises NotConvergedError if no step does.
    """
    before = derivatives.log_likelihood - compute_penalty(groups, point)
    slack = 1e-12 * (1.0 + abs(before) + system.users.sum())
    is_safe = newton_step.decrement < QUADRATIC_DECREMENT
    share = 1.0
    for _ in range(MAX_HALVINGS):
        theta = point.theta + share * newton_step.step
        own = point.own + share * newton_step.step_own
        moved = SearchPoint(theta, own, point.log_variances)
        if is_safe or compute_log_posterior(system, groups, moved) >= before - slack:
            return moved
        share /= 2.0
    raise NotConvergedError("no step raises the log posterior")


def compute_log_posterior(
    system: RegressionSystem, groups: tuple[ScaleGroup, ...], point: SearchPoint
) -> float:
    """Return the log posterior density of θ and own effects, constants left out."""
    likelihood = compute_log_likelihood(system, compute_point_predictor(system, point))
    return likelihood - compute_penalty(groups, point)


def compute_penalty(groups: tuple[ScaleGroup, ...], point: SearchPoint) -> float:
    """Return minus the log prior density of θ and own effects, constants left out."""
    size = len(point.theta)
    precision = prior_scales.compute_precisions(groups, point.log_variances, size)
    own = np.exp(-point.log_variances[-1]) * (point.own @ point.own)
    return 0.5 * float(
        precision @ (point.theta - prior_scales.compute_prior_means(size)) ** 2 + own
    )


def compute_occam_factor(
    groups: tuple[ScaleGroup, ...], point: SearchPoint, newton_step: NewtonStep
) -> float:
    """Return the log of Occam's factor: the posterior's volume over the prior's."""
    precision = prior_scales.compute_precisions(
        groups, point.log_variances, len(point.theta)
    )
    determinant = 2.0 * np.log(np.diag(newton_step.factor)).sum()
    determinant += np.log(newton_step.diagonal).sum()
    prior = np.log(precision).sum()
    prior -= len(newton_step.diagonal) * point.log_variances[-1]
    return 0.5 * float(prior - determinant)


def compute_moments(point: SearchPoint, newton_step: NewtonStep) -> PosteriorMoments:
    """Return the moments of the normal approximation, relative to the prior means."""
    covariance = newton_step.covariance()
    ratio = newton_step.ratio
    prior_mean = prior_scales.compute_prior_means(len(point.theta))
    return PosteriorMoments(
        mean=point.theta + newton_step.step - prior_mean,
        covariance=covariance,
        own_mean=point.own + newton_step.step_own,
        own_variance=1.0 / newton_step.diagonal
        + np.einsum("ti,ti->t", ratio @ covariance, ratio),
    )

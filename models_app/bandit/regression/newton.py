"""Newton's method on the log posterior at given prior scales, strata eliminated."""

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
QUADRATIC_DECREMENT = 1e-4
"""Rise still to be had, below which a full step is safe and rounding hides the rise."""

TOLERANCE, ROUNDING = 1e-9, 1e-14
"""Rise of the log posterior still to be had, at which the mode counts as reached."""


class NotConvergedError(RuntimeError):
    """The mode was not found; no posterior is given, the live policy stays."""


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A point of the search: θ [p], own effects [T], log squared scales [G + 1]."""

    theta: Floats
    own: Floats
    logs: Floats


@dataclass(frozen=True, slots=True)
class NewtonStep:
    """A Newton step and the normal approximation it leads to.

    `step` [p] and `step_own` [T] lead to the approximation's mean; `decrement` is twice
    the rise of the log posterior on the way. `factor` is Cholesky's of the precision
    [p, p] of θ, `diagonal` [T] the precision of own effects given θ, `ratio` [T, p]
    minus their slope on θ.
    """

    step: Floats
    step_own: Floats
    decrement: float
    factor: Floats
    diagonal: Floats
    ratio: Floats

    def covariance(self) -> Floats:
        """Covariance [p, p] of θ."""
        return symmetrize_lower(self.lower())

    def apply_covariance(self, along: Floats) -> Floats:
        """Product [p] of the covariance of θ with a vector [p]."""
        product, _ = linalg.lapack.dpotrs(self.factor, along, lower=1)
        return np.asarray(product)

    def lower(self) -> Floats:
        """Lower triangle [p, p] of the covariance of θ, zeros above."""
        lower, _ = linalg.lapack.dpotri(self.factor, lower=1)
        return np.asarray(lower)


def symmetrize_lower(lower: Floats) -> Floats:
    """Return the symmetric matrix [p, p] of a lower triangle, zeros above."""
    whole = lower + lower.T
    whole.flat[:: len(whole) + 1] /= 2.0
    return np.asarray(whole)


@dataclass(frozen=True, slots=True)
class Mode:
    """The most probable point at its scales, and the normal approximation there."""

    state: SearchPoint
    curved: Derivatives
    solved: NewtonStep
    steps: int


def find_mode(
    system: RegressionSystem,
    grouped: tuple[ScaleGroup, ...],
    state: SearchPoint,
    curved: Derivatives | None = None,
) -> Mode:
    """Climb to the mode at the state's scales; raises NotConverged.

    `curved`: what is known from another point (see systems.curvature).
    """
    enough = TOLERANCE + ROUNDING * system.users.sum()
    for steps in range(MAX_STEPS):
        curved = compute_derivatives(
            system, compute_state_predictor(system, state), curved
        )
        solved = solve_step(grouped, curved, state)
        if solved.decrement < enough:
            return Mode(state, curved, solved, steps)
        state = take_step(system, grouped, state, (curved, solved))
    raise NotConvergedError(f"no mode within {MAX_STEPS} Newton steps")


def choose_start_point(
    system: RegressionSystem, grouped: tuple[ScaleGroup, ...]
) -> SearchPoint:
    """Start from the overall rate, no effects, and prior medians of the scales."""
    theta = np.zeros(system.size)
    if system.noise is not None:
        theta[0] = prior_scales.INTERCEPT_MEAN
        return SearchPoint(
            theta,
            np.zeros(len(system.curve)),
            prior_scales.compute_prior_log_medians(grouped),
        )
    rate = (system.successes.sum() + 0.5) / (system.users.sum() + 10.0)
    theta[0] = np.log(rate / (1.0 - min(rate, 0.999)))
    return SearchPoint(
        theta,
        np.zeros(len(system.curve)),
        prior_scales.compute_prior_log_medians(grouped),
    )


def compute_state_predictor(system: RegressionSystem, state: SearchPoint) -> Floats:
    """Linear predictor [n] of the cells."""
    return compute_predictor(system, state.theta, state.own)


def solve_step(
    grouped: tuple[ScaleGroup, ...], curved: Derivatives, state: SearchPoint
) -> NewtonStep:
    """Take one step with the strata's own effects eliminated (Schur complement)."""
    size = len(state.theta)
    precision = prior_scales.compute_precisions(grouped, state.logs, size)
    own_precision = np.exp(-state.logs[-1])
    diagonal = curved.own + own_precision
    ratio = curved.cross / diagonal[:, None]
    reduced = curved.shared - curved.cross.T @ ratio
    reduced.flat[:: size + 1] += precision
    slope = curved.gradient - precision * (
        state.theta - prior_scales.compute_prior_means(size)
    )
    slope_own = curved.gradient_own - own_precision * state.own
    factor = _factorize_precision(reduced, np.diag(curved.shared))
    step, _ = linalg.lapack.dpotrs(factor, slope - ratio.T @ slope_own, lower=1)
    step_own = (slope_own - curved.cross @ step) / diagonal
    decrement = float(slope @ step + slope_own @ step_own)
    if not np.isfinite(decrement):
        raise NotConvergedError("the counts gave numbers that are not finite")
    return NewtonStep(step, step_own, decrement, factor, diagonal, ratio)


def _factorize_precision(reduced: Floats, scale: Floats) -> Floats:
    """Cholesky's factor, helped where elimination cancelled billions of users.

    The ridges are of the size of rounding in the numbers `scale` [p] subtracted from.
    """
    for ridge in RIDGES:
        lifted = reduced + np.diag(ridge * scale) if ridge else reduced
        factor, refused = linalg.lapack.dpotrf(lifted, lower=1)
        if not refused:
            return np.asarray(factor)
    raise NotConvergedError("the curvature is not positive definite")


def take_step(
    system: RegressionSystem,
    grouped: tuple[ScaleGroup, ...],
    state: SearchPoint,
    there: tuple[Derivatives, NewtonStep],
) -> SearchPoint:
    """Go along the step, halved until the log posterior does not fall.

    `there`: the derivatives at the state and the step that they lead to.
    """
    curved, solved = there
    before = curved.height - compute_penalty(grouped, state)
    slack = 1e-12 * (1.0 + abs(before) + system.users.sum())
    share = 1.0
    for _ in range(MAX_HALVINGS):
        theta = state.theta + share * solved.step
        own = state.own + share * solved.step_own
        moved = SearchPoint(theta, own, state.logs)
        small = solved.decrement < QUADRATIC_DECREMENT
        if small or compute_log_posterior(system, grouped, moved) >= before - slack:
            return moved
        share /= 2.0
    raise NotConvergedError("no step raises the log posterior")


def compute_log_posterior(
    system: RegressionSystem, grouped: tuple[ScaleGroup, ...], state: SearchPoint
) -> float:
    """Log posterior density of θ and own effects at given scales, constants out."""
    likelihood = compute_log_likelihood(system, compute_state_predictor(system, state))
    return likelihood - compute_penalty(grouped, state)


def compute_penalty(grouped: tuple[ScaleGroup, ...], state: SearchPoint) -> float:
    """Minus the log prior density of θ and own effects, constants out."""
    size = len(state.theta)
    precision = prior_scales.compute_precisions(grouped, state.logs, size)
    own = np.exp(-state.logs[-1]) * (state.own @ state.own)
    return 0.5 * float(
        precision @ (state.theta - prior_scales.compute_prior_means(size)) ** 2 + own
    )


def compute_occam_factor(
    grouped: tuple[ScaleGroup, ...], state: SearchPoint, solved: NewtonStep
) -> float:
    """Log ratio of the volumes of posterior and prior: Occam's factor."""
    precision = prior_scales.compute_precisions(grouped, state.logs, len(state.theta))
    determinant = 2.0 * np.log(np.diag(solved.factor)).sum()
    determinant += np.log(solved.diagonal).sum()
    prior = np.log(precision).sum() - len(solved.diagonal) * state.logs[-1]
    return 0.5 * float(prior - determinant)


def compute_moments(state: SearchPoint, solved: NewtonStep) -> PosteriorMoments:
    """Mean and covariance of the normal approximation around a point."""
    covariance = solved.covariance()
    spread = np.einsum("ti,ti->t", solved.ratio @ covariance, solved.ratio)
    return PosteriorMoments(
        mean=state.theta
        + solved.step
        - prior_scales.compute_prior_means(len(state.theta)),
        covariance=covariance,
        own_mean=state.own + solved.step_own,
        own_variance=1.0 / solved.diagonal + spread,
    )

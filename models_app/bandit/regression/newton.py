"""Newton's method on the log posterior at given prior scales, strata eliminated."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models_app.bandit.design.design import Floats
from models_app.bandit.regression import likelihood as systems, prior_scales
from models_app.bandit.regression.likelihood import Curvature, System
from models_app.bandit.regression.prior_scales import Group, Moments

MOST_STEPS, HALVINGS = 100, 40
RIDGES = (0.0, 1e-14, 1e-12, 1e-10)
QUADRATIC = 1e-4
"""Rise still to be had, below which a full step is safe and rounding hides the rise."""

TOLERANCE, ROUNDING = 1e-9, 1e-14
"""Rise of the log posterior still to be had, at which the mode counts as reached."""


class NotConverged(RuntimeError):  # noqa: N818 - a state, as in levered_site.errors
    """The mode was not found; no posterior is given, the live policy stays."""


@dataclass(frozen=True, slots=True)
class State:
    """A point of the search: θ [p], own effects [T], log squared scales [G + 1]."""

    theta: Floats
    own: Floats
    logs: Floats


@dataclass(frozen=True, slots=True)
class Solved:
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
        return mirrored(self.lower())

    def spread(self, along: Floats) -> Floats:
        """Product [p] of the covariance of θ with a vector [p]."""
        product, _ = linalg.lapack.dpotrs(self.factor, along, lower=1)
        return np.asarray(product)

    def lower(self) -> Floats:
        """Lower triangle [p, p] of the covariance of θ, zeros above."""
        lower, _ = linalg.lapack.dpotri(self.factor, lower=1)
        return np.asarray(lower)


def mirrored(lower: Floats) -> Floats:
    """Return the symmetric matrix [p, p] of a lower triangle, zeros above."""
    whole = lower + lower.T
    whole.flat[:: len(whole) + 1] /= 2.0
    return np.asarray(whole)


@dataclass(frozen=True, slots=True)
class Mode:
    """The most probable point at its scales, and the normal approximation there."""

    state: State
    curved: Curvature
    solved: Solved
    steps: int


def climb(
    system: System,
    grouped: tuple[Group, ...],
    state: State,
    curved: Curvature | None = None,
) -> Mode:
    """Climb to the mode at the state's scales; raises NotConverged.

    `curved`: what is known from another point (see systems.curvature).
    """
    enough = TOLERANCE + ROUNDING * system.users.sum()
    for steps in range(MOST_STEPS):
        curved = systems.curvature(system, eta(system, state), curved)
        solved = solve(grouped, curved, state)
        if solved.decrement < enough:
            return Mode(state, curved, solved, steps)
        state = move(system, grouped, state, (curved, solved))
    raise NotConverged(f"no mode within {MOST_STEPS} Newton steps")


def begin(system: System, grouped: tuple[Group, ...]) -> State:
    """Start from the overall rate, no effects, and prior medians of the scales."""
    theta = np.zeros(system.size)
    if system.noise is not None:
        theta[0] = prior_scales.INTERCEPT_MEAN
        return State(theta, np.zeros(len(system.curve)), prior_scales.start(grouped))
    rate = (system.successes.sum() + 0.5) / (system.users.sum() + 10.0)
    theta[0] = np.log(rate / (1.0 - min(rate, 0.999)))
    return State(theta, np.zeros(len(system.curve)), prior_scales.start(grouped))


def eta(system: System, state: State) -> Floats:
    """Linear predictor [n] of the cells."""
    return systems.predictor(system, state.theta, state.own)


def solve(grouped: tuple[Group, ...], curved: Curvature, state: State) -> Solved:
    """Take one step with the strata's own effects eliminated (Schur complement)."""
    size = len(state.theta)
    precision = prior_scales.precisions(grouped, state.logs, size)
    own_precision = np.exp(-state.logs[-1])
    diagonal = curved.own + own_precision
    ratio = curved.cross / diagonal[:, None]
    reduced = curved.shared - curved.cross.T @ ratio
    reduced.flat[:: size + 1] += precision
    slope = curved.gradient - precision * (state.theta - prior_scales.center(size))
    slope_own = curved.gradient_own - own_precision * state.own
    factor = _factor(reduced, np.diag(curved.shared))
    step, _ = linalg.lapack.dpotrs(factor, slope - ratio.T @ slope_own, lower=1)
    step_own = (slope_own - curved.cross @ step) / diagonal
    decrement = float(slope @ step + slope_own @ step_own)
    if not np.isfinite(decrement):
        raise NotConverged("the counts gave numbers that are not finite")
    return Solved(step, step_own, decrement, factor, diagonal, ratio)


def _factor(reduced: Floats, scale: Floats) -> Floats:
    """Cholesky's factor, helped where elimination cancelled billions of users.

    The ridges are of the size of rounding in the numbers `scale` [p] subtracted from.
    """
    for ridge in RIDGES:
        lifted = reduced + np.diag(ridge * scale) if ridge else reduced
        factor, refused = linalg.lapack.dpotrf(lifted, lower=1)
        if not refused:
            return np.asarray(factor)
    raise NotConverged("the curvature is not positive definite")


def move(
    system: System,
    grouped: tuple[Group, ...],
    state: State,
    there: tuple[Curvature, Solved],
) -> State:
    """Go along the step, halved until the log posterior does not fall.

    `there`: the derivatives at the state and the step that they lead to.
    """
    curved, solved = there
    before = curved.height - penalty(grouped, state)
    slack = 1e-12 * (1.0 + abs(before) + system.users.sum())
    share = 1.0
    for _ in range(HALVINGS):
        theta = state.theta + share * solved.step
        own = state.own + share * solved.step_own
        moved = State(theta, own, state.logs)
        small = solved.decrement < QUADRATIC
        if small or objective(system, grouped, moved) >= before - slack:
            return moved
        share /= 2.0
    raise NotConverged("no step raises the log posterior")


def objective(system: System, grouped: tuple[Group, ...], state: State) -> float:
    """Log posterior density of θ and own effects at given scales, constants out."""
    likelihood = systems.log_likelihood(system, eta(system, state))
    return likelihood - penalty(grouped, state)


def penalty(grouped: tuple[Group, ...], state: State) -> float:
    """Minus the log prior density of θ and own effects, constants out."""
    size = len(state.theta)
    precision = prior_scales.precisions(grouped, state.logs, size)
    own = np.exp(-state.logs[-1]) * (state.own @ state.own)
    return 0.5 * float(precision @ (state.theta - prior_scales.center(size)) ** 2 + own)


def volume(grouped: tuple[Group, ...], state: State, solved: Solved) -> float:
    """Log ratio of the volumes of posterior and prior: Occam's factor."""
    precision = prior_scales.precisions(grouped, state.logs, len(state.theta))
    determinant = 2.0 * np.log(np.diag(solved.factor)).sum()
    determinant += np.log(solved.diagonal).sum()
    prior = np.log(precision).sum() - len(solved.diagonal) * state.logs[-1]
    return 0.5 * float(prior - determinant)


def moments(state: State, solved: Solved) -> Moments:
    """Mean and covariance of the normal approximation around a point."""
    covariance = solved.covariance()
    spread = np.einsum("ti,ti->t", solved.ratio @ covariance, solved.ratio)
    return Moments(
        mean=state.theta + solved.step - prior_scales.center(len(state.theta)),
        covariance=covariance,
        own_mean=state.own + solved.step_own,
        own_variance=1.0 / solved.diagonal + spread,
    )

"""The posterior averaged over the uncertainty of the prior scales."""

from dataclasses import replace

import numpy as np
from scipy import linalg

from models_app.bandit.data import cells as counts
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import newton, prior_scales
from models_app.bandit.regression.likelihood import System
from models_app.bandit.regression.newton import Mode, Solved, State
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.regression.prior_scales import Group

HEAVIEST = 2.0
"""Log of the most that a cubature point may outweigh its normal share."""


def posterior(
    design: Design,
    system: System,
    grouped: tuple[Group, ...],
    mode: Mode,
) -> Posterior:
    """Average the posterior over the scales, not only at their best values.

    At the best scales alone intervals are too short where the data say little about
    them. The cubature points of the scales' own normal approximation, weighted by
    their evidence, give normal posteriors; the answer has their joint mean and
    covariance (as INLA does: Rue, Martino and Chopin 2009). The likelihood's curvature
    is held at the mode.
    """
    state, solved = mode.state, mode.solved
    spread = prior_scales.uncertainty(
        grouped, state.logs, newton.moments(state, solved)
    )
    best, directions = _evidence(grouped, state, solved), spread.shape[1]
    current = _current(system)
    summed = np.zeros((system.size, system.size), order="F")  # as LAPACK has them
    points: list[tuple[float, Floats, Floats, Floats]] = []
    for signs in _corners(directions):
        state = replace(mode.state, logs=mode.state.logs + spread @ signs)
        solved = newton.solve(grouped, mode.curved, state)
        gain = _evidence(grouped, state, solved) - best + directions / 2.0
        weight = float(np.exp(min(gain, HEAVIEST)))
        level = _level(system, current, solved)
        theta, own = state.theta + solved.step, state.own + solved.step_own
        points.append((weight, theta, own, level))
        summed += weight * solved.lower()
    weights, thetas, owns, levels = map(np.array, zip(*points, strict=True))
    means = read_off(system, thetas, owns)
    known = levels, newton.mirrored(summed)
    return Posterior(design, *_mixed(system, weights, means, known))


def _mixed(
    system: System, weights: Floats, means: Floats, spread: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Mean and covariance of normal posteriors of these weights and means [., 1 + q].

    `spread`: the level's rows of their covariances, and those of θ [p, p] in a weighted
    sum.
    """
    levels, summed = spread
    shares = weights / weights.sum()
    mean = shares @ means
    off = np.sqrt(shares)[:, None] * (means - mean)
    joint = off.T @ off
    level = shares @ levels
    joint[0] += level
    joint[1:, 0] += level[1:]
    joint[1:, 1:] += _now(system, _now(system, summed).T) / weights.sum()
    return mean, joint


def _corners(directions: int) -> Floats:
    """Signs [points, directions] of cubature points, right to the third degree."""
    if directions == 0:
        return np.zeros((1, 0))
    order = 2 ** int(np.ceil(np.log2(directions)))
    half = linalg.hadamard(order)[:, :directions].astype(np.float64)
    return np.concatenate([half, -half])


def _evidence(grouped: tuple[Group, ...], state: State, solved: Solved) -> float:
    """Log posterior density of the scales, the likelihood's own height left out."""
    evidence = newton.volume(grouped, state, solved) + solved.decrement / 2.0
    evidence += prior_scales.log_prior(grouped, state.logs)
    return evidence - newton.penalty(grouped, state)


def read_off(system: System, theta: Floats, own: Floats) -> Floats:
    """Level now and the design's coefficients [m, 1 + q] of m points.

    From the system's coefficients [m, p] and its strata's own effects [m, T].
    """
    curve = theta[:, : system.curve.shape[1]] @ system.curve.T
    level = (curve + own) @ _current(system)
    return np.concatenate([level[:, None], _now(system, theta.T).T], axis=1)


def _level(system: System, current: Floats, solved: Solved) -> Floats:
    """The level's row [1 + q] of the joint covariance."""
    k = system.curve.shape[1]
    slope = -(current @ solved.ratio)
    slope[:k] += current @ system.curve
    pulled = solved.spread(slope)
    variance = slope @ pulled + current**2 @ (1.0 / solved.diagonal)
    return np.concatenate([[variance], _now(system, pulled)])


def _now(system: System, values: Floats) -> Floats:
    """Map values [p, ·] of θ to those [q, ·] of the design's coefficients today."""
    k = system.curve.shape[1]
    moved, columns = system.changed.shape
    changes = values[system.size - moved :]
    return np.asarray(values[k : k + columns] + system.changed.T @ changes)


def _current(system: System) -> Floats:
    """Weights [T] of the strata that make the current time level: of the last 24 hours."""
    recent = system.time > system.time[-1] - 1.0
    users = counts.summed(system.stratum, system.users, len(recent)) * recent
    if users.sum() <= 0:
        users = recent.astype(np.float64)
    return np.asarray(users / users.sum())

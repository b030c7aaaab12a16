"""The posterior averaged over the uncertainty of the prior scales."""

from dataclasses import replace

import numpy as np
from scipy import linalg

from models_app.bandit import cells as counts, newton, scales
from models_app.bandit.design import Design, Floats
from models_app.bandit.newton import Mode, Solved, State
from models_app.bandit.posterior import Posterior
from models_app.bandit.scales import Group
from models_app.bandit.system import System

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
    spread = scales.uncertainty(grouped, state.logs, newton.moments(state, solved))
    best, directions = _evidence(grouped, state, solved), spread.shape[1]
    size = 1 + design.columns
    total, first, second = 0.0, np.zeros(size), np.zeros((size, size))
    for signs in _corners(directions):
        state = replace(mode.state, logs=mode.state.logs + spread @ signs)
        solved = newton.solve(grouped, mode.curved, state)
        gain = _evidence(grouped, state, solved) - best + directions / 2.0
        weight = float(np.exp(min(gain, HEAVIEST)))
        mean, covariance = _moments(design, system, state, solved)
        total += weight
        first += weight * mean
        second += weight * (covariance + np.outer(mean, mean))
    mean = np.asarray(first / total)
    return Posterior(design, mean, second / total - np.outer(mean, mean))


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
    evidence += scales.log_prior(grouped, state.logs)
    return evidence - newton.penalty(grouped, state)


def read_off(system: System, columns: int, theta: Floats, own: Floats) -> Floats:
    """Level now and the design's coefficients [..., 1 + columns] of a point.

    From the system's coefficients [..., p] and its strata's own effects [..., T].
    """
    k = system.curve.shape[1]
    current = _current(system)
    level = (theta[..., :k] @ system.curve.T + own) @ current
    moved = theta[..., system.size - len(system.changed) :] @ system.changed
    return np.concatenate(
        [level[..., None], theta[..., k : k + columns] + moved], axis=-1
    )


def _moments(
    design: Design, system: System, state: State, solved: Solved
) -> tuple[Floats, Floats]:
    """Mean and covariance of the level now and the design's coefficients."""
    current = _current(system)
    k, q = system.curve.shape[1], design.columns
    slope = -(current @ solved.ratio)
    slope[:k] += current @ system.curve
    covariance = solved.covariance()
    moved = slice(system.size - len(system.changed), system.size)
    rows = covariance[k : k + q] + system.changed.T @ covariance[moved]
    joint = np.empty((1 + q, 1 + q))
    joint[1:, 1:] = rows[:, k : k + q] + rows[:, moved] @ system.changed
    joint[0, 1:] = joint[1:, 0] = rows @ slope
    joint[0, 0] = slope @ covariance @ slope + current**2 @ (1.0 / solved.diagonal)
    theta, own = state.theta + solved.step, state.own + solved.step_own
    return read_off(system, q, theta, own), joint


def _current(system: System) -> Floats:
    """Weights [T] of the strata that make the current time level: the last day's."""
    recent = system.time > system.time[-1] - 1.0
    users = counts.summed(system.stratum, system.users, len(recent)) * recent
    if users.sum() <= 0:
        users = recent.astype(np.float64)
    return np.asarray(users / users.sum())

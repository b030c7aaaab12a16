"""The posterior averaged over the uncertainty of the prior scales."""

from dataclasses import replace

import numpy as np
from scipy import linalg

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import newton, prior_scales
from models_app.bandit.regression.likelihood import RegressionSystem
from models_app.bandit.regression.newton import Mode, NewtonStep, SearchPoint
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.regression.prior_scales import ScaleGroup

MAX_LOG_WEIGHT = 2.0
"""Log of the most that a cubature point may outweigh its normal share."""


def average_over_scales(
    design: Design,
    system: RegressionSystem,
    grouped: tuple[ScaleGroup, ...],
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
    spread = prior_scales.compute_uncertain_directions(
        grouped, state.logs, newton.compute_moments(state, solved)
    )
    best, directions = _compute_log_evidence(grouped, state, solved), spread.shape[1]
    current = _compute_recent_weights(system)
    summed = np.zeros((system.size, system.size), order="F")  # as LAPACK has them
    points: list[tuple[float, Floats, Floats, Floats]] = []
    for signs in _build_cubature_points(directions):
        state = replace(mode.state, logs=mode.state.logs + spread @ signs)
        solved = newton.solve_step(grouped, mode.curved, state)
        gain = _compute_log_evidence(grouped, state, solved) - best + directions / 2.0
        weight = float(np.exp(min(gain, MAX_LOG_WEIGHT)))
        level = _compute_level_covariance(system, current, solved)
        theta, own = state.theta + solved.step, state.own + solved.step_own
        points.append((weight, theta, own, level))
        summed += weight * solved.lower()
    weights, thetas, owns, levels = map(np.array, zip(*points, strict=True))
    means = extract_coefficients(system, thetas, owns)
    known = levels, newton.symmetrize_lower(summed)
    return Posterior(design, *_mix_normals(system, weights, means, known))


def _mix_normals(
    system: RegressionSystem,
    weights: Floats,
    means: Floats,
    spread: tuple[Floats, Floats],
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
    joint[1:, 1:] += (
        _map_to_current_coefficients(
            system, _map_to_current_coefficients(system, summed).T
        )
        / weights.sum()
    )
    return mean, joint


def _build_cubature_points(directions: int) -> Floats:
    """Signs [points, directions] of cubature points, right to the third degree."""
    if directions == 0:
        return np.zeros((1, 0))
    order = 2 ** int(np.ceil(np.log2(directions)))
    half = linalg.hadamard(order)[:, :directions].astype(np.float64)
    return np.concatenate([half, -half])


def _compute_log_evidence(
    grouped: tuple[ScaleGroup, ...], state: SearchPoint, solved: NewtonStep
) -> float:
    """Log posterior density of the scales, the likelihood's own height left out."""
    evidence = (
        newton.compute_occam_factor(grouped, state, solved) + solved.decrement / 2.0
    )
    evidence += prior_scales.compute_log_prior(grouped, state.logs)
    return evidence - newton.compute_penalty(grouped, state)


def extract_coefficients(
    system: RegressionSystem, theta: Floats, own: Floats
) -> Floats:
    """Level now and the design's coefficients [m, 1 + q] of m points.

    From the system's coefficients [m, p] and its strata's own effects [m, T].
    """
    curve = theta[:, : system.curve.shape[1]] @ system.curve.T
    level = (curve + own) @ _compute_recent_weights(system)
    return np.concatenate(
        [level[:, None], _map_to_current_coefficients(system, theta.T).T], axis=1
    )


def _compute_level_covariance(
    system: RegressionSystem, current: Floats, solved: NewtonStep
) -> Floats:
    """The level's row [1 + q] of the joint covariance."""
    k = system.curve.shape[1]
    slope = -(current @ solved.ratio)
    slope[:k] += current @ system.curve
    pulled = solved.apply_covariance(slope)
    variance = slope @ pulled + current**2 @ (1.0 / solved.diagonal)
    return np.concatenate([[variance], _map_to_current_coefficients(system, pulled)])


def _map_to_current_coefficients(system: RegressionSystem, values: Floats) -> Floats:
    """Map values [p, ·] of θ to those [q, ·] of the design's coefficients today."""
    k = system.curve.shape[1]
    moved, columns = system.changed.shape
    changes = values[system.size - moved :]
    return np.asarray(values[k : k + columns] + system.changed.T @ changes)


def _compute_recent_weights(system: RegressionSystem) -> Floats:
    """Weights [T] of the strata that make the current time level: of the last 24 hours."""
    recent = system.time > system.time[-1] - 1.0
    users = sum_by_index(system.stratum, system.users, len(recent)) * recent
    if users.sum() <= 0:
        users = recent.astype(np.float64)
    return np.asarray(users / users.sum())

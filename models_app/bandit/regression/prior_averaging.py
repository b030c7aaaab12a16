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

# Log of the largest factor by which a cubature point may exceed its normal weight.
MAX_LOG_WEIGHT = 2.0


def average_over_scales(
    design: Design,
    system: RegressionSystem,
    groups: tuple[ScaleGroup, ...],
    mode: Mode,
) -> Posterior:
    """Return the posterior averaged over the scales.

    At the best scales alone, intervals are too short if the data say little about the
    scales. Each cubature point of the scales' normal approximation, weighted by its
    evidence, gives a normal posterior; the result has the mean and covariance of their
    mixture (as in INLA: Rue, Martino and Chopin 2009). The likelihood's curvature is
    that of the mode throughout.
    """
    point, newton_step = mode.point, mode.newton_step
    directions = prior_scales.compute_uncertain_directions(
        groups, point.log_variances, newton.compute_moments(point, newton_step)
    )
    count = directions.shape[1]
    best = _compute_log_evidence(groups, point, newton_step)
    recent = _compute_recent_weights(system)
    # in LAPACK's memory order
    covariance_sum = np.zeros((system.size, system.size), order="F")
    components: list[tuple[float, Floats, Floats, Floats]] = []
    for signs in _build_cubature_points(count):
        log_variances = mode.point.log_variances + directions @ signs
        point = replace(mode.point, log_variances=log_variances)
        newton_step = newton.solve_step(groups, mode.derivatives, point)
        gain = _compute_log_evidence(groups, point, newton_step) - best + count / 2.0
        weight = float(np.exp(min(gain, MAX_LOG_WEIGHT)))
        level_row = _compute_level_covariance(system, recent, newton_step)
        theta, own = point.theta + newton_step.step, point.own + newton_step.step_own
        components.append((weight, theta, own, level_row))
        covariance_sum += weight * newton_step.covariance_triangle()
    weights, thetas, owns, level_rows = map(np.array, zip(*components, strict=True))
    means = extract_coefficients(system, thetas, owns)
    covariance_sum = newton.symmetrize_lower(covariance_sum)
    return Posterior(
        design, *_mix_normals(system, weights, means, level_rows, covariance_sum)
    )


def _mix_normals(
    system: RegressionSystem,
    weights: Floats,
    means: Floats,
    level_rows: Floats,
    covariance_sum: Floats,
) -> tuple[Floats, Floats]:
    """Return the mean [1 + q] and covariance of a mixture of m normal posteriors.

    Attributes
    ----------
    weights, means: [m] and [m, 1 + q] of the components.
    level_rows: [m, 1 + q] the rows of their covariances that belong to the level.
    covariance_sum: [p, p] the weighted sum of their covariances of θ.

    """
    shares = weights / weights.sum()
    mean = shares @ means
    deviations = np.sqrt(shares)[:, None] * (means - mean)
    covariance = deviations.T @ deviations
    level_row = shares @ level_rows
    covariance[0] += level_row
    covariance[1:, 0] += level_row[1:]
    half_mapped = _map_to_current_coefficients(system, covariance_sum).T
    mapped = _map_to_current_coefficients(system, half_mapped)
    covariance[1:, 1:] += mapped / weights.sum()
    return mean, covariance


def _build_cubature_points(directions: int) -> Floats:
    """Return signs [points, directions] of a cubature rule of degree three."""
    if directions == 0:
        return np.zeros((1, 0))
    order = 2 ** int(np.ceil(np.log2(directions)))
    half = linalg.hadamard(order)[:, :directions].astype(np.float64)
    return np.concatenate([half, -half])


def _compute_log_evidence(
    groups: tuple[ScaleGroup, ...], point: SearchPoint, newton_step: NewtonStep
) -> float:
    """Return the log posterior density of the scales, up to the mode's likelihood."""
    evidence = newton.compute_occam_factor(groups, point, newton_step)
    evidence += newton_step.decrement / 2.0
    evidence += prior_scales.compute_log_prior(groups, point.log_variances)
    return evidence - newton.compute_penalty(groups, point)


def extract_coefficients(
    system: RegressionSystem, theta: Floats, own: Floats
) -> Floats:
    """Return the current level and the design's coefficients [m, 1 + q] of m points.

    `theta` [m, p] and `own` [m, T] are the system's coefficients and the strata's own
    effects.
    """
    curve = theta[:, : system.curve.shape[1]] @ system.curve.T
    level = (curve + own) @ _compute_recent_weights(system)
    return np.concatenate(
        [level[:, None], _map_to_current_coefficients(system, theta.T).T], axis=1
    )


def _compute_level_covariance(
    system: RegressionSystem, recent: Floats, newton_step: NewtonStep
) -> Floats:
    """Return the current level's row [1 + q] of the joint covariance.

    `recent` [T] are the strata's weights in the current level.
    """
    k = system.curve.shape[1]
    slope = -(recent @ newton_step.ratio)
    slope[:k] += recent @ system.curve
    product = newton_step.apply_covariance(slope)
    variance = slope @ product + recent**2 @ (1.0 / newton_step.diagonal)
    return np.concatenate([[variance], _map_to_current_coefficients(system, product)])


def _map_to_current_coefficients(system: RegressionSystem, values: Floats) -> Floats:
    """Map values [p, ·] of θ to the design's coefficients [q, ·] after all changes."""
    k = system.curve.shape[1]
    change_count, q = system.change_directions.shape
    changes = values[system.size - change_count :]
    return np.asarray(values[k : k + q] + system.change_directions.T @ changes)


def _compute_recent_weights(system: RegressionSystem) -> Floats:
    """Return weights [T] of the current level's strata, those of the last 24 hours."""
    recent = system.stratum_time > system.stratum_time[-1] - 1.0
    users = sum_by_index(system.stratum, system.users, len(recent)) * recent
    if users.sum() <= 0:
        users = recent.astype(np.float64)
    return np.asarray(users / users.sum())

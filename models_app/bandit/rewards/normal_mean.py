"""Rewards modeled as plain means, for amounts that the hurdle model does not fit."""

from dataclasses import replace

import numpy as np

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import prior_scales
from models_app.bandit.regression.fit import FitInfo, fit_system
from models_app.bandit.regression.likelihood import (
    Noise,
    RegressionSystem,
    arrange_cells,
)
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards.reward_model import RewardPosterior

NEGLIGIBLE = 1e-6
# Limit of a cell's mean square over that of all other cells, and of passes to apply
# it.
MAX_SQUARE_RATIO, MAX_PASSES = 10.0, 100

# Weight, in users, of the common variance in each variant's own.
PRIOR_USERS = 100.0

# Standard errors from the fit at which the sum of a cell is clipped.
CLIP_STANDARD_ERRORS = 6.0


def fit_mean_reward(
    design: Design, cells: AmountCells, note: str
) -> tuple[RewardPosterior, FitInfo]:
    """Fit the mean value per user as a normal response, with extreme sums clipped.

    The unit of the fit is the overall mean, so that prior scales are shares of it. The
    model has one variance; so users of a variant whose values vary more count less.
    """
    users = float(cells.users.sum())
    values, squares = _limit_outliers(cells)
    mean = float(values.sum() / users)
    variance = max(float(squares.sum() / users) - mean**2, 0.0)
    unit = float(np.sqrt(mean**2 + variance / users)) or 1.0
    spread = max(variance / unit**2, NEGLIGIBLE)
    offset = mean / unit - prior_scales.INTERCEPT_MEAN
    weights = _weigh_users(design, cells, values, squares)
    sums = (values / unit - offset * cells.users) * weights
    noise = Noise(spread, spread * users, np.inf, spread)
    weighted_cells = replace(cells, users=cells.users * weights)
    system = replace(arrange_cells(design, weighted_cells, sums), noise=noise)
    system_fit = fit_system(design, system)
    clipped = _clip_sums(system, system_fit.predictor)
    if (clipped != system.successes).any():
        system_fit = fit_system(design, replace(system, successes=clipped))
    posterior = undo_scaling(system_fit.fit.posterior, offset, unit)
    reward = RewardPosterior("mean", (posterior,), ("reward",), notes=(note,))
    return reward, system_fit.fit.info


def _weigh_users(
    design: Design, cells: AmountCells, values: Floats, squares: Floats
) -> Floats:
    """Return the weights [n] of users: the common variance over their variant's own.

    A variant's variance is shrunk to the common one by PRIOR_USERS.
    """
    n, total, square = (
        sum_by_index(cells.variant, sums, design.variants)
        for sums in (cells.users, values, squares)
    )
    within = np.maximum(square - total**2 / np.maximum(n, 1.0), 0.0)
    common = within.sum() / max(n.sum(), 1.0)
    own = (within + PRIOR_USERS * common) / (n + PRIOR_USERS)
    weights = np.divide(common, own, out=np.ones_like(own), where=own > 0)
    return np.asarray(weights[cells.variant])


def _limit_outliers(cells: AmountCells) -> tuple[Floats, Floats]:
    """Return sums and sums of squares [n] with the outliers of cells removed.

    The mean square of a cell may be at most MAX_SQUARE_RATIO times that of all other
    cells: per user or per nonzero value, whichever allows more, because one ordinary
    payer among few users is no outlier. A cell has at least sum² / squares nonzero
    values, of any sign (Cauchy and Schwarz). The excess of its squares is attributed to
    one value, which is subtracted. If no other cell has a value, nothing is removed.
    """
    sums, squares = cells.value_sum, cells.value_sum_squares
    min_nonzero = sums**2 / np.where(squares > 0, squares, 1.0)
    nonzero = np.maximum(cells.successes, min_nonzero)
    other_nonzero = nonzero.sum() - nonzero
    comparable = (cells.users > 0) & (other_nonzero > NEGLIGIBLE)
    for _ in range(MAX_PASSES if comparable.sum() > MAX_SQUARE_RATIO else 0):
        others = squares.sum() - squares
        per_user = others / (cells.users.sum() - cells.users)
        per_value = others / np.where(comparable, other_nonzero, 1.0)
        allowed = np.maximum(per_user * cells.users, per_value * nonzero)
        limit = np.where(comparable, MAX_SQUARE_RATIO * allowed, squares)
        if (squares <= limit * (1 + 1e-6)).all():
            break
        squares = np.minimum(squares, limit)
    outlier = np.sqrt(np.maximum(cells.value_sum_squares - squares, 0.0))
    removed = np.sign(sums) * np.minimum(outlier, np.abs(sums))
    return np.asarray(sums - removed), squares


def _clip_sums(system: RegressionSystem, predictor: Floats) -> Floats:
    """Return the cells' sums [n], at most CLIP_STANDARD_ERRORS from the fit."""
    assert system.noise is not None  # the mean model is normal
    margin = CLIP_STANDARD_ERRORS * np.sqrt(system.noise.variance * system.users)
    expected = system.users * predictor
    return np.asarray(np.clip(system.successes, expected - margin, expected + margin))


def undo_scaling(posterior: Posterior, offset: float, unit: float) -> Posterior:
    """Return the posterior of responses that were fit as response / unit - offset."""
    mean = posterior.mean.copy()
    mean[0] += offset
    return replace(
        posterior, mean=mean * unit, covariance=posterior.covariance * unit**2
    )

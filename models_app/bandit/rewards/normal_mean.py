"""Rewards learnt as plain means, where amounts fit no simpler story (see amounts)."""

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
MAX_SQUARE_RATIO, MAX_PASSES = 10.0, 100
"""Times a cell's mean square may exceed that of the others together."""

PRIOR_USERS = 100.0
CLIP_STANDARD_ERRORS = 6.0
"""Standard errors of the fit at which the sum of a cell is cut."""


def fit_mean_reward(
    design: Design, cells: AmountCells, note: str
) -> tuple[RewardPosterior, FitInfo]:
    """Fit the mean value per user, normal, extreme sums cut.

    In units of the overall mean, so that prior scales mean shares of it. Users of a
    variant whose values vary more count as so many fewer: each then has one variance.
    """
    users = float(cells.users.sum())
    values, squares = _limit_outliers(cells)
    mean = float(values.sum() / users)
    variance = max(float(squares.sum() / users) - mean**2, 0.0)
    unit = float(np.sqrt(mean**2 + variance / users)) or 1.0
    spread = max(variance / unit**2, NEGLIGIBLE)
    offset = mean / unit - prior_scales.INTERCEPT_MEAN
    heard = _weigh_users(design, cells, values, squares)
    sums = (values / unit - offset * cells.users) * heard
    noise = Noise(spread, spread * users, np.inf, spread)
    alike = replace(cells, users=cells.users * heard)
    system = replace(arrange_cells(design, alike, sums), noise=noise)
    found = fit_system(design, system)
    cut = _clip_sums(system, found.predictor)
    if (cut != system.successes).any():
        found = fit_system(design, replace(system, successes=cut))
    only = undo_scaling(found.fit.posterior, offset, unit)
    return RewardPosterior("mean", (only,), ("reward",), notes=(note,)), found.fit.info


def _weigh_users(
    design: Design, cells: AmountCells, values: Floats, squares: Floats
) -> Floats:
    """How much a cell's users testify [n]: the common variance over their variant's.

    A variant begins with PRIOR_USERS of the common variance.
    """
    three = cells.users, values, squares
    n, total, square = (sum_by_index(cells.variant, x, design.variants) for x in three)
    within = np.maximum(square - total**2 / np.maximum(n, 1.0), 0.0)
    common = within.sum() / max(n.sum(), 1.0)
    own = (within + PRIOR_USERS * common) / (n + PRIOR_USERS)
    heard = np.divide(common, own, out=np.ones_like(own), where=own > 0)
    return np.asarray(heard[cells.variant])


def _limit_outliers(cells: AmountCells) -> tuple[Floats, Floats]:
    """Sums and sums of squares [n], no mean square over OUTLYING times the others'.

    Per user or per value that is not 0, whichever allows more: one ordinary payer among
    few users is no whale. There are at least sum² / squares such values (Cauchy and
    Schwarz), of any sign. What a cell's squares have beyond that is taken for one value,
    and taken off; where nobody else has a value there is nothing to compare with.
    """
    sums, squares = cells.value_sum, cells.value_sum_squares
    least = sums**2 / np.where(squares > 0, squares, 1.0)
    worth = np.maximum(cells.successes, least)
    rest = worth.sum() - worth
    there = (cells.users > 0) & (rest > NEGLIGIBLE)
    for _ in range(MAX_PASSES if there.sum() > MAX_SQUARE_RATIO else 0):
        others = squares.sum() - squares
        per_user = others / (cells.users.sum() - cells.users)
        per_value = others / np.where(there, rest, 1.0)
        allowed = np.maximum(per_user * cells.users, per_value * worth)
        most = np.where(there, MAX_SQUARE_RATIO * allowed, squares)
        if (squares <= most * (1 + 1e-6)).all():
            break
        squares = np.minimum(squares, most)
    beyond = np.sqrt(np.maximum(cells.value_sum_squares - squares, 0.0))
    off = np.sign(sums) * np.minimum(beyond, np.abs(sums))
    return np.asarray(sums - off), squares


def _clip_sums(system: RegressionSystem, predictor: Floats) -> Floats:
    """Sums [n] of cells, no further than CLIPPED standard errors from the fit."""
    assert system.noise is not None  # the mean model is normal
    error = CLIP_STANDARD_ERRORS * np.sqrt(system.noise.variance * system.users)
    expected = system.users * predictor
    return np.asarray(np.clip(system.successes, expected - error, expected + error))


def undo_scaling(posterior: Posterior, offset: float, unit: float) -> Posterior:
    """Undo the shift of the level by `offset` and the division by `unit`."""
    mean = posterior.mean.copy()
    mean[0] += offset
    return replace(
        posterior, mean=mean * unit, covariance=posterior.covariance * unit**2
    )

"""The posterior averaged over changes of the world that may have happened."""

from dataclasses import replace

import numpy as np

from models_app.bandit.regression import prior_averaging
from models_app.bandit.regression.change_points import SuspectedChanges
from models_app.bandit.regression.likelihood import RegressionSystem
from models_app.bandit.regression.posterior import Posterior


def average_over_changes(
    known: Posterior, system: RegressionSystem, suspects: SuspectedChanges
) -> Posterior:
    """Give the mean and covariance of a mixture: no change, or one of the suspects.

    Each has its posterior chance. A change of effect j by δ moves the coefficients by
    δ along its direction, less what the others held of it; δ is normal. Wrong changes
    are so doubted before they are certain, and right ones tried (Bayesian model
    averaging: Hoeting, Madigan, Raftery and Volinsky 1999).
    """
    scores, chance = suspects.scores, suspects.chances
    moves = -prior_averaging.extract_coefficients(system, scores.theta, scores.own)
    moves[:, 1:] += np.array([change.direction for change in suspects.changes])
    shift = (chance * scores.size) @ moves
    off = scores.size[:, None] * moves - shift
    spread = (moves.T * (chance * scores.variance)) @ moves
    spread += (off.T * chance) @ off + (1 - chance.sum()) * np.outer(shift, shift)
    return replace(known, mean=known.mean + shift, covariance=known.covariance + spread)

"""The posterior averaged over changes of the world that may have happened."""

from dataclasses import replace

import numpy as np

from models_app.bandit.regression import prior_averaging
from models_app.bandit.regression.change_points import SuspectedChanges
from models_app.bandit.regression.likelihood import RegressionSystem
from models_app.bandit.regression.posterior import Posterior


def average_over_changes(
    posterior: Posterior, system: RegressionSystem, suspects: SuspectedChanges
) -> Posterior:
    """Return the mean and covariance of a mixture: no change, or one of the suspects.

    Each component has its posterior probability (Bayesian model averaging: Hoeting,
    Madigan, Raftery and Volinsky 1999). A change by δ moves the coefficients by δ along
    its direction, minus what the other coefficients had absorbed of it; δ is normal.
    The posterior of an effect that may have changed becomes wider, so the effect is
    explored before the change is certain.
    """
    scores, probabilities = suspects.scores, suspects.probabilities
    moves = -prior_averaging.extract_coefficients(
        system, scores.theta_drop, scores.own_drop
    )
    moves[:, 1:] += np.array([change.direction for change in suspects.changes])
    shift = (probabilities * scores.mean) @ moves
    deviations = scores.mean[:, None] * moves - shift
    spread = (moves.T * (probabilities * scores.variance)) @ moves
    no_change = 1 - probabilities.sum()
    spread += (deviations.T * probabilities) @ deviations + no_change * np.outer(
        shift, shift
    )
    return replace(
        posterior,
        mean=posterior.mean + shift,
        covariance=posterior.covariance + spread,
    )

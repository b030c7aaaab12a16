"""The score test of coefficients that the model lacks, at the mode of those it has."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.regression.likelihood import RegressionSystem, sum_by_stratum
from models_app.bandit.regression.newton import Mode


@dataclass(frozen=True, slots=True)
class ScoreTestResults:
    """Results for m coefficients, each tested as the only addition to the model.

    Attributes
    ----------
    mean, variance: [m] of its posterior, in a normal approximation.
    log_bayes_factor: [m] for the model with it against the model without it.
    theta_drop, own_drop: [m, p] and [m, T] by how much the system's coefficients and
        the strata's own effects fall for each unit of it.

    """

    mean: Floats
    variance: Floats
    log_bayes_factor: Floats
    theta_drop: Floats
    own_drop: Floats


def run_score_test(
    system: RegressionSystem,
    mode: Mode,
    slopes: tuple[Floats, Floats],
    features: Floats,
    starts: Integers,
    prior_sd: float,
) -> ScoreTestResults:
    """Test coefficients of `features` [U, m] that act from strata `starts` [m] on.

    Each coefficient is N(0, prior_sd²) beforehand. `slopes` [n] are the likelihood's at
    the mode (likelihood.compute_slopes), 0 for cells to ignore. The model's other
    coefficients may move along: this is the efficient score (Rao 1948), read as a Bayes
    factor (Kass and Raftery 1995).
    """
    newton_step = mode.newton_step
    distinct, start_index = np.unique(starts, return_inverse=True)
    residual, weight = (
        sum_from_starts(system, distinct, slope)[start_index].T for slope in slopes
    )
    weighted = weight * features
    own = sum_by_stratum(system, slopes[1], features)
    own *= np.arange(len(own))[:, None] >= starts
    shared = np.concatenate([system.curve.T @ own, system.rows.T @ weighted])
    shared -= newton_step.ratio.T @ own
    theta = linalg.cho_solve((newton_step.factor, True), shared)
    own_alone = own / newton_step.diagonal[:, None]
    explained = (shared * theta).sum(axis=0) + (own * own_alone).sum(axis=0)
    information = np.maximum((weighted * features).sum(axis=0) - explained, 0.0)
    score = (residual * features).sum(axis=0)
    variance = 1.0 / (information + prior_sd**-2)
    log_bayes_factor = 0.5 * (score**2 * variance - np.log1p(prior_sd**2 * information))
    own_drop = own_alone - newton_step.ratio @ theta
    return ScoreTestResults(
        score * variance, variance, log_bayes_factor, theta.T, own_drop.T
    )


def sum_from_starts(
    system: RegressionSystem, starts: Integers, values: Floats
) -> Floats:
    """Return sums [starts, U] of values [n] by distinct row, from each start on.

    `starts` are sorted.
    """
    rows = len(system.rows)
    span = np.searchsorted(starts, system.stratum, side="right")
    table = sum_by_index(span * rows + system.row, values, (len(starts) + 1) * rows)
    spans = table.reshape(-1, rows)
    return np.asarray(spans[::-1].cumsum(axis=0)[::-1][1:])

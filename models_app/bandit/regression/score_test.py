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
    """What each of m coefficients would be, were it alone in the model beside the others.

    Parameters
    ----------
    size, variance: [m] of its posterior, in a normal approximation.
    evidence: [m] log Bayes factors of having it, against a model without it.
    theta, own: [m, p] and [m, T] by how much the system's coefficients and its strata's
        own effects fall for each unit of it.

    """

    size: Floats
    variance: Floats
    evidence: Floats
    theta: Floats
    own: Floats


def run_score_test(
    system: RegressionSystem,
    mode: Mode,
    slopes: tuple[Floats, Floats],
    features: Floats,
    starts: Integers,
    prior_sd: float,
) -> ScoreTestResults:
    """Test coefficients N(0, prior_sd²) of `features` [U, m] from strata `starts` [m] on.

    `slopes` [n] are the likelihood's at the mode (system.slopes), 0 for cells that are
    not to testify. What the model holds instead may move along: the efficient score
    (Rao 1948), read as a Bayes factor (Kass and Raftery 1995).
    """
    solved = mode.solved
    distinct, which = np.unique(starts, return_inverse=True)
    residual, weight = (
        sum_from_starts(system, distinct, each)[which].T for each in slopes
    )
    moved = weight * features
    own = sum_by_stratum(system, slopes[1], features)
    own *= np.arange(len(own))[:, None] >= starts
    shared = np.concatenate([system.curve.T @ own, system.rows.T @ moved])
    shared -= solved.ratio.T @ own
    theta = linalg.cho_solve((solved.factor, True), shared)
    alone = own / solved.diagonal[:, None]
    held = (shared * theta).sum(axis=0) + (own * alone).sum(axis=0)
    free = np.maximum((moved * features).sum(axis=0) - held, 0.0)
    pull, variance = (residual * features).sum(axis=0), 1.0 / (free + prior_sd**-2)
    evidence = 0.5 * (pull**2 * variance - np.log1p(prior_sd**2 * free))
    fall = alone - solved.ratio @ theta
    return ScoreTestResults(pull * variance, variance, evidence, theta.T, fall.T)


def sum_from_starts(
    system: RegressionSystem, starts: Integers, values: Floats
) -> Floats:
    """Sums [starts, U] of values [n] by distinct row, from each start on, in order."""
    distinct = len(system.rows)
    span = np.searchsorted(starts, system.stratum, side="right")
    table = sum_by_index(
        span * distinct + system.row, values, (len(starts) + 1) * distinct
    )
    spans = table.reshape(-1, distinct)
    return np.asarray(spans[::-1].cumsum(axis=0)[::-1][1:])

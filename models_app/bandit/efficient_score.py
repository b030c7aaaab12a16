"""The score test of a coefficient that the model lacks, at the mode of those it has."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models_app.bandit.cells import summed
from models_app.bandit.design import Floats
from models_app.bandit.newton import Mode
from models_app.bandit.system import System


@dataclass(frozen=True, slots=True)
class Score:
    """What a coefficient more would be, in a normal approximation.

    Parameters
    ----------
    size, variance: of its posterior.
    evidence: log Bayes factor of having it, against a model without it.
    theta, own: by how much the system's coefficients [p] and its strata's own effects
        [T] fall for each unit of it.

    """

    size: float
    variance: float
    evidence: float
    theta: Floats
    own: Floats


def score(
    system: System,
    mode: Mode,
    slopes: tuple[Floats, Floats],
    feature: Floats,
    start: int,
    prior_sd: float,
) -> Score:
    """Test a coefficient of `feature` [U] from stratum `start` on, N(0, prior_sd²).

    `slopes` are the likelihood's at the mode (system.slopes), 0 for cells that are not
    to testify. What the model holds instead may move along: the efficient score (Rao
    1948), read as a Bayes factor (Kass and Raftery 1995).
    """
    first = np.searchsorted(system.stratum, start)
    row, solved = system.row[first:], mode.solved
    residual, weight = (each[first:] for each in slopes)
    effect = feature[row]
    moved = weight * effect
    own = summed(system.stratum[first:], moved, len(system.curve))
    by_row = summed(row, moved, len(system.rows))
    shared = np.concatenate([system.curve.T @ own, system.rows.T @ by_row])
    shared -= solved.ratio.T @ own
    theta = linalg.cho_solve((solved.factor, True), shared)
    alone = own / solved.diagonal
    free = max(float(moved @ effect - shared @ theta - own @ alone), 0.0)
    pull, variance = float(residual @ effect), 1.0 / (free + prior_sd**-2)
    evidence = 0.5 * float(pull**2 * variance - np.log1p(prior_sd**2 * free))
    return Score(
        pull * variance, variance, evidence, theta, alone - solved.ratio @ theta
    )

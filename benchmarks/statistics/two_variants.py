"""Two variants in strata of time: fit them and read what is learned of their contrast."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.regression import fit
from models_app.bandit.regression.posterior import Posterior

DESIGN = Design((Factor("button", ("first", "second")),))
ENABLED = np.ones(2, dtype=bool)
EVEN = np.full(2, 0.5)
NORMAL_97_5 = 1.96


@dataclass(frozen=True, slots=True)
class Contrast:
    """Log odds of the second variant over the first: posterior mean and sd."""

    mean: float
    sd: float

    def holds(self, truth: float) -> bool:
        """Return whether the 95% interval contains the truth."""
        return abs(self.mean - truth) <= NORMAL_97_5 * self.sd

    def bias_percent(self, truth: float) -> float:
        """Return the error of the odds ratio, in percent."""
        return 100 * (float(np.exp(self.mean - truth)) - 1)


def read_contrast(posterior: Posterior) -> Contrast:
    """Return the contrast of a posterior of DESIGN."""
    first, second = DESIGN.rows(np.arange(2), np.zeros(2, dtype=np.int64))
    row = second - first
    variance = row @ posterior.covariance[1:, 1:] @ row
    return Contrast(float(row @ posterior.mean[1:]), float(np.sqrt(variance)))


def build_cells(shown: Floats, converted: Floats) -> TrainingCells:
    """Return cells of users and conversions [strata, 2]; a stratum is an hour or a day."""
    stratum, variant = np.nonzero(shown)
    return TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(len(shown), dtype=np.float64),
        variant=variant,
        context=np.zeros_like(variant),
        users=shown[stratum, variant],
        successes=converted[stratum, variant],
    )


def fit_posterior(cells: TrainingCells) -> Posterior:
    """Fit the product's model to the cells."""
    return fit.fit_posterior(DESIGN, cells).posterior


def compute_shares(
    posterior: Posterior, rule: allocation.AllocationRule, seed: int
) -> Floats:
    """Return the shares [2] of traffic that the product would serve."""
    compiled = allocation.compile_policy(
        posterior, ENABLED, rule=rule, draws=1000, seed=seed
    )
    return np.asarray(compiled.probabilities[0])

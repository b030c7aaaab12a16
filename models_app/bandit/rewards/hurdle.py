"""Numeric rewards: who pays and how much, or the plain mean where that model misfits."""

from dataclasses import dataclass, replace

import numpy as np

from models_app.bandit.data import cells as counts, value_cells
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import (
    fit as inference,
    likelihood as systems,
    prior_scales,
)
from models_app.bandit.regression.fit import FitInfo, Found
from models_app.bandit.regression.likelihood import Noise
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import heteroscedasticity, normal_mean, smearing
from models_app.bandit.rewards.heteroscedasticity import Spreads
from models_app.bandit.rewards.reward_model import LARGEST_LOG, Belief
from models_app.bandit.rewards.smearing import Expected

PRIOR_DOF, PRIOR_VARIANCE = 2.0, 1.0
"""What the variance of log amounts is before anybody paid, and in how many payers."""

LOG_UNIT = 0.5
"""Log amounts are fit in this unit, so that their prior scales are that share of those
of log odds."""

CERTAIN = 1e-12
FEW_REFUNDS = 0.01

UNKNOWN = "nobody has paid yet: the reward shown is the chance to pay"
REFUNDS = "some amounts are negative: means are learnt without splitting who pays"
FEW = "some amounts are negative, too few to be learnt: the means leave them out"
GROWING = "nobody who paid is past the horizon: amounts may still grow"
MISFITS = "amounts are not log-normal: means are learnt without splitting who pays"
SMEARED = "amounts are not quite log-normal: their level was set by their sum"


@dataclass(frozen=True, slots=True)
class LogAmounts:
    """What was found of log amounts less `offset` in units of LOG_UNIT.

    `paying` are the cells with payers in the order of the fit's.
    """

    found: Found
    offset: float
    paying: AmountCells

    @property
    def predictor(self) -> Floats:
        """Expected log amounts [n]."""
        return LOG_UNIT * (self.found.predictor + self.offset)

    @property
    def variance(self) -> float:
        """Common variance of log amounts."""
        noise = self.found.system.noise
        assert noise is not None  # log amounts are normal
        return noise.variance * LOG_UNIT**2


def fit(design: Design, cells: AmountCells) -> tuple[Belief, FitInfo]:
    """Fit the hurdle model of docs/model.md, or the mean model where it misfits.

    Raises ValueError naming the field for cells that do not fit the design, and
    inference.NotConverged.
    """
    value_cells.check(cells, design)
    final = value_cells.final(cells)
    refunded = _share_of_others(cells) > FEW_REFUNDS
    nobody = cells.successes.sum() <= 0
    if (nobody and cells.value_sum.any()) or (refunded and final.refunds):
        return normal_mean.fit(design, final, REFUNDS)
    paid = inference.search(design, systems.arrange(design, cells)).fit
    if nobody:
        return _hurdle(paid.posterior, _unknown(design), (0.0, 0.0), UNKNOWN), paid.info
    logs = log_amounts(design, final)
    spread = _spreads(design, logs)
    calibration = smearing.calibrate(logs.paying, _expected(design, logs, spread))
    if refunded and calibration.miss < -smearing.CLEARLY:
        return normal_mean.fit(design, final, REFUNDS)
    if calibration.worst > smearing.MISFIT:
        return normal_mean.fit(design, final, MISFITS)
    notes = (SMEARED,) * calibration.moved + (FEW,) * final.refunds
    notes += (GROWING,) * bool(final.maturity is not None and final.maturity.min() < 1)
    amount = normal_mean.shifted(logs.found.fit.posterior, logs.offset, LOG_UNIT)
    amount = heteroscedasticity.widened(amount, spread)
    belief = _hurdle(paid.posterior, amount, calibration.smearing, *notes)
    return belief, _joined(paid.info, logs.found.fit.info)


def _unknown(design: Design) -> Posterior:
    """Take amounts for 1 until somebody paid."""
    sure = np.eye(1 + design.columns) * CERTAIN
    return Posterior(design, np.zeros(1 + design.columns), sure)


def _hurdle(
    paid: Posterior, amount: Posterior, level: tuple[float, float], *notes: str
) -> Belief:
    names = ("paid", "amount")
    return Belief("hurdle", (paid, amount), names, smearing=level, notes=notes)


def _share_of_others(cells: AmountCells) -> float:
    rewarded = cells.others.sum() + cells.successes.sum()
    return float(cells.others.sum() / rewarded) if rewarded > 0 else 0.0


def log_amounts(design: Design, cells: AmountCells) -> LogAmounts:
    """Fit log amounts of those who paid, shifted so that the prior's level is theirs."""
    kept = np.flatnonzero(cells.successes > 0)
    kept = kept[np.argsort(cells.stratum[kept], kind="stable")]
    paying = value_cells.taken(cells, kept)
    payers, logs = paying.successes, paying.log_sum / LOG_UNIT
    offset = float(logs.sum() / payers.sum()) - prior_scales.INTERCEPT_MEAN
    squares = paying.log_sum_squares / LOG_UNIT**2 - 2 * offset * logs
    squares = squares + offset**2 * payers
    where = paying.stratum, paying.stratum_time, paying.variant, paying.context
    only = counts.TrainingCells(*where, payers, payers)
    system = systems.arrange(design, only, logs - offset * payers)
    prior = PRIOR_VARIANCE / LOG_UNIT**2
    noise = Noise(prior, float(squares.sum()), PRIOR_DOF, prior)
    found = inference.search(design, replace(system, noise=noise))
    return LogAmounts(found, offset, paying)


def _spreads(design: Design, logs: LogAmounts) -> Spreads:
    """Learn variances from the cells' residuals."""
    cells, expected = logs.paying, logs.predictor
    squares = cells.log_sum_squares - 2 * expected * cells.log_sum
    squares = np.maximum(squares + expected**2 * cells.successes, 0.0)
    where = cells.variant, cells.context
    return heteroscedasticity.learnt(
        design, where, cells.successes, squares, logs.variance
    )


def _expected(design: Design, logs: LogAmounts, spread: Spreads) -> Expected:
    cells = logs.paying
    excess = spread.of(design, cells.variant, cells.context)
    sums = cells.successes * np.exp(np.minimum(logs.predictor + excess, LARGEST_LOG))
    return Expected(sums, logs.variance, logs.found.dof)


def _joined(paid: FitInfo, amount: FitInfo) -> FitInfo:
    scales_of = {f"paid: {name}": sd for name, sd in paid.prior_scales.items()}
    scales_of |= {f"amount: {name}": sd for name, sd in amount.prior_scales.items()}
    return FitInfo(
        converged=True,
        iterations=paid.iterations + amount.iterations,
        prior_scales=scales_of,
        log_evidence=paid.log_evidence + amount.log_evidence,
        left_out=paid.left_out,
    )

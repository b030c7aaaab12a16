"""Numeric rewards: who pays and how much, or the plain mean where that model misfits."""

from dataclasses import dataclass, replace

import numpy as np

from models_app.bandit.data import value_cells
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import prior_scales
from models_app.bandit.regression.fit import FitInfo, SystemFit, fit_system
from models_app.bandit.regression.likelihood import Noise, arrange_cells
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import heteroscedasticity, normal_mean, smearing
from models_app.bandit.rewards.heteroscedasticity import VarianceModel
from models_app.bandit.rewards.reward_model import MAX_LOG, RewardPosterior
from models_app.bandit.rewards.smearing import ExpectedAmounts

PRIOR_DOF, PRIOR_VARIANCE = 2.0, 1.0
"""What the variance of log amounts is before anybody paid, and in how many payers."""

LOG_UNIT = 0.5
"""Log amounts are fit in this unit, so that their prior scales are that share of those
of log odds."""

NEGLIGIBLE_VARIANCE = 1e-12
MAX_IGNORED_REFUND_SHARE = 0.01

NOTE_NO_PAYERS = "nobody has paid yet: the reward shown is the chance to pay"
NOTE_REFUNDS = "some amounts are negative: means are learnt without splitting who pays"
NOTE_FEW_REFUNDS = (
    "some amounts are negative, too few to be learnt: the means leave them out"
)
NOTE_AMOUNTS_MAY_GROW = "nobody who paid is past the horizon: amounts may still grow"
NOTE_NOT_LOG_NORMAL = (
    "amounts are not log-normal: means are learnt without splitting who pays"
)
NOTE_LEVEL_FROM_SUMS = (
    "amounts are not quite log-normal: their level was set by their sum"
)


@dataclass(frozen=True, slots=True)
class LogAmounts:
    """What was found of log amounts less `offset` in units of LOG_UNIT.

    `paying` are the cells with payers in the order of the fit's.
    """

    system_fit: SystemFit
    offset: float
    paying: AmountCells

    @property
    def predictor(self) -> Floats:
        """Expected log amounts [n]."""
        return LOG_UNIT * (self.system_fit.predictor + self.offset)

    @property
    def variance(self) -> float:
        """Common variance of log amounts."""
        noise = self.system_fit.system.noise
        assert noise is not None  # log amounts are normal
        return noise.variance * LOG_UNIT**2


def fit_numeric_reward(
    design: Design, cells: AmountCells
) -> tuple[RewardPosterior, FitInfo]:
    """Fit the hurdle model of docs/model.md, or the mean model where it misfits.

    Raises ValueError naming the field for cells that do not fit the design, and
    inference.NotConverged.
    """
    value_cells.validate_value_cells(cells, design)
    final = value_cells.select_mature_cells(cells)
    refunded = _compute_refund_share(cells) > MAX_IGNORED_REFUND_SHARE
    nobody = cells.successes.sum() <= 0
    if (nobody and cells.value_sum.any()) or (refunded and final.has_refunds):
        return normal_mean.fit_mean_reward(design, final, NOTE_REFUNDS)
    paid = fit_system(design, arrange_cells(design, cells)).fit
    if nobody:
        return _build_hurdle(
            paid.posterior, _build_unit_amount(design), (0.0, 0.0), NOTE_NO_PAYERS
        ), paid.info
    logs = fit_log_amounts(design, final)
    spread = _fit_variances(design, logs)
    calibration = smearing.calibrate_smearing(
        logs.paying, _compute_expected_sums(design, logs, spread)
    )
    if refunded and calibration.miss < -smearing.RELIABLE_MISS_ERRORS:
        return normal_mean.fit_mean_reward(design, final, NOTE_REFUNDS)
    if calibration.worst > smearing.MISFIT_ERRORS:
        return normal_mean.fit_mean_reward(design, final, NOTE_NOT_LOG_NORMAL)
    notes = (NOTE_LEVEL_FROM_SUMS,) * calibration.moved + (
        NOTE_FEW_REFUNDS,
    ) * final.has_refunds
    notes += (NOTE_AMOUNTS_MAY_GROW,) * bool(
        final.maturity is not None and final.maturity.min() < 1
    )
    amount = normal_mean.undo_scaling(
        logs.system_fit.fit.posterior, logs.offset, LOG_UNIT
    )
    amount = heteroscedasticity.add_variance_excess(amount, spread)
    belief = _build_hurdle(paid.posterior, amount, calibration.smearing, *notes)
    return belief, _merge_infos(paid.info, logs.system_fit.fit.info)


def _build_unit_amount(design: Design) -> Posterior:
    """Take amounts for 1 until somebody paid."""
    sure = np.eye(1 + design.columns) * NEGLIGIBLE_VARIANCE
    return Posterior(design, np.zeros(1 + design.columns), sure)


def _build_hurdle(
    paid: Posterior, amount: Posterior, level: tuple[float, float], *notes: str
) -> RewardPosterior:
    names = ("paid", "amount")
    return RewardPosterior("hurdle", (paid, amount), names, smearing=level, notes=notes)


def _compute_refund_share(cells: AmountCells) -> float:
    rewarded = cells.others.sum() + cells.successes.sum()
    return float(cells.others.sum() / rewarded) if rewarded > 0 else 0.0


def fit_log_amounts(design: Design, cells: AmountCells) -> LogAmounts:
    """Fit log amounts of those who paid, shifted so that the prior's level is theirs."""
    kept = np.flatnonzero(cells.successes > 0)
    kept = kept[np.argsort(cells.stratum[kept], kind="stable")]
    paying = value_cells.select_cells(cells, kept)
    payers, logs = paying.successes, paying.log_sum / LOG_UNIT
    offset = float(logs.sum() / payers.sum()) - prior_scales.INTERCEPT_MEAN
    squares = paying.log_sum_squares / LOG_UNIT**2 - 2 * offset * logs
    squares = squares + offset**2 * payers
    where = paying.stratum, paying.stratum_time, paying.variant, paying.context
    only = TrainingCells(*where, payers, payers)
    system = arrange_cells(design, only, logs - offset * payers)
    prior = PRIOR_VARIANCE / LOG_UNIT**2
    noise = Noise(prior, float(squares.sum()), PRIOR_DOF, prior)
    found = fit_system(design, replace(system, noise=noise))
    return LogAmounts(found, offset, paying)


def _fit_variances(design: Design, logs: LogAmounts) -> VarianceModel:
    """Learn variances from the cells' residuals."""
    cells, expected = logs.paying, logs.predictor
    squares = cells.log_sum_squares - 2 * expected * cells.log_sum
    squares = np.maximum(squares + expected**2 * cells.successes, 0.0)
    where = cells.variant, cells.context
    return heteroscedasticity.fit_variances(
        design, where, cells.successes, squares, logs.variance
    )


def _compute_expected_sums(
    design: Design, logs: LogAmounts, spread: VarianceModel
) -> ExpectedAmounts:
    cells = logs.paying
    excess = spread.compute_excess(design, cells.variant, cells.context)
    sums = cells.successes * np.exp(np.minimum(logs.predictor + excess, MAX_LOG))
    return ExpectedAmounts(sums, logs.variance, logs.system_fit.dof)


def _merge_infos(paid: FitInfo, amount: FitInfo) -> FitInfo:
    scales_of = {f"paid: {name}": sd for name, sd in paid.prior_scales.items()}
    scales_of |= {f"amount: {name}": sd for name, sd in amount.prior_scales.items()}
    return FitInfo(
        converged=True,
        iterations=paid.iterations + amount.iterations,
        prior_scales=scales_of,
        log_evidence=paid.log_evidence + amount.log_evidence,
        left_out=paid.left_out,
    )

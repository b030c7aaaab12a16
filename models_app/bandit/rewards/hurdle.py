"""Numeric rewards: who pays and how much, or the plain mean if that model misfits."""

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
from models_app.bandit.rewards import (
    heteroscedasticity,
    normal_mean,
    reward_model,
    smearing,
)
from models_app.bandit.rewards.heteroscedasticity import VarianceModel
from models_app.bandit.rewards.reward_model import MAX_LOG, RewardPosterior
from models_app.bandit.rewards.smearing import Calibration, ExpectedAmounts

# The prior variance of log amounts: its weight in payers, and its value.
PRIOR_DOF, PRIOR_VARIANCE = 2.0, 1.0

# Unit in which log amounts are fit: their prior scales are half those of log odds.
LOG_UNIT = 0.5

NEGLIGIBLE_VARIANCE = 1e-12
MAX_IGNORED_REFUND_SHARE = 0.01

NOTE_NO_PAYERS = (
    "no user has a total above zero yet (nobody paid, or refunds took it back); the reward "
    "shown is the probability of such a total"
)
NOTE_NEGATIVE = (
    "amounts are negative: the model learns how often and how large they are, so that its "
    "coefficients are those of their size"
)
NOTE_REFUNDS = (
    "some amounts are negative, so the model learns mean rewards without separating who "
    "pays from how much"
)
NOTE_GAINS = (
    "some of the negative amounts are positive instead, so the model learns mean rewards "
    "without separating who loses from how much"
)
NOTE_LOGS_NOT_COUNTED = (
    "amounts are negative, and their logarithms were not counted on all days "
    "(`refresh=full` counts these again), so the model learns mean rewards without "
    "separating who loses from how much"
)
NOTE_FEW_REFUNDS = (
    "some amounts are negative, but too few to learn from; the means leave them out"
)
NOTE_FEW_GAINS = (
    "some amounts are positive, but too few to learn from; the means leave them out"
)
NOTE_AMOUNTS_MAY_GROW = (
    "no user who paid is past the horizon yet; amounts may still grow"
)
NOTE_NOT_LOG_NORMAL = (
    "amounts are not log-normal, so the model learns mean rewards without separating who "
    "pays from how much"
)
NOTE_LEVEL_FROM_SUMS = (
    "amounts are not quite log-normal; the model takes their overall level from their "
    "sum"
)


@dataclass(frozen=True, slots=True)
class LogAmounts:
    """The fit of log amounts minus `offset`, in units of LOG_UNIT.

    `payer_cells` are the n cells with payers, in the order of the fit.
    """

    system_fit: SystemFit
    offset: float
    payer_cells: AmountCells

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
    """Fit the hurdle model of docs/model.md, or the mean model if the hurdle misfits.

    Amounts that are mostly negative are learned by their size. Raises ValueError,
    naming the field, for cells that do not fit the design, and NotConvergedError.
    """
    value_cells.validate_value_cells(cells, design)
    amounts, info = _fit_amounts(design, cells)
    return reward_model.apply_sign(amounts, cells.sign), info


def _fit_amounts(design: Design, cells: AmountCells) -> tuple[RewardPosterior, FitInfo]:
    """Fit the amounts as the cells hold them: most are positive."""
    mature = value_cells.select_mature_cells(cells)
    many_refunds = _compute_refund_share(cells) > MAX_IGNORED_REFUND_SHARE
    nobody_paid = cells.successes.sum() <= 0
    if nobody_paid and cells.value_sum.any():
        return normal_mean.fit_mean_reward(design, mature, NOTE_LOGS_NOT_COUNTED)
    if many_refunds and mature.has_refunds:
        return normal_mean.fit_mean_reward(design, mature, _note_refunds(mature))
    paid = fit_system(design, arrange_cells(design, cells)).fit
    if nobody_paid:
        unit_amount = _build_unit_amount(design)
        hurdle = _build_hurdle(paid.posterior, unit_amount, (0.0, 0.0), NOTE_NO_PAYERS)
        return hurdle, paid.info
    logs = fit_log_amounts(design, mature)
    variances = _fit_variances(design, logs)
    calibration = smearing.calibrate_smearing(
        logs.payer_cells, _compute_expected_sums(design, logs, variances)
    )
    misfit = _find_misfit(calibration, mature, many_refunds=many_refunds)
    if misfit is not None:
        return normal_mean.fit_mean_reward(design, mature, misfit)
    amount_fit = logs.system_fit.fit
    amount = normal_mean.undo_scaling(amount_fit.posterior, logs.offset, LOG_UNIT)
    amount = heteroscedasticity.add_variance_excess(amount, variances)
    notes = _list_notes(calibration, mature)
    hurdle = _build_hurdle(paid.posterior, amount, calibration.smearing, *notes)
    return hurdle, _merge_infos(paid.info, amount_fit.info)


def _find_misfit(
    calibration: Calibration, mature: AmountCells, *, many_refunds: bool
) -> str | None:
    """Return the note on why the hurdle misfits the sums of amounts, or None."""
    if many_refunds and calibration.z < -smearing.RELIABLE_MISS_ERRORS:
        return _note_refunds(mature)
    if calibration.max_variant_z > smearing.MISFIT_ERRORS:
        return NOTE_NOT_LOG_NORMAL
    return None


def _note_refunds(cells: AmountCells) -> str:
    return NOTE_REFUNDS if cells.sign > 0 else NOTE_GAINS


def _list_notes(calibration: Calibration, mature: AmountCells) -> list[str]:
    notes = [] if mature.sign > 0 else [NOTE_NEGATIVE]
    if calibration.uses_sums:
        notes.append(NOTE_LEVEL_FROM_SUMS)
    if mature.has_refunds:
        notes.append(NOTE_FEW_REFUNDS if mature.sign > 0 else NOTE_FEW_GAINS)
    if mature.maturity is not None and mature.maturity.min() < 1:
        notes.append(NOTE_AMOUNTS_MAY_GROW)
    return notes


def _build_unit_amount(design: Design) -> Posterior:
    """Return a posterior that is certain of amount 1, for use until somebody paid."""
    covariance = np.eye(1 + design.columns) * NEGLIGIBLE_VARIANCE
    return Posterior(design, np.zeros(1 + design.columns), covariance)


def _build_hurdle(
    paid: Posterior, amount: Posterior, log_smearing: tuple[float, float], *notes: str
) -> RewardPosterior:
    names = ("paid", "amount")
    return RewardPosterior(
        "hurdle", (paid, amount), names, smearing=log_smearing, notes=notes
    )


def _compute_refund_share(cells: AmountCells) -> float:
    """Return the share of rewarded users whose reward is zero or negative."""
    rewarded = cells.others.sum() + cells.successes.sum()
    return float(cells.others.sum() / rewarded) if rewarded > 0 else 0.0


def fit_log_amounts(design: Design, cells: AmountCells) -> LogAmounts:
    """Fit the payers' log amounts, shifted so that their mean is the prior's level."""
    order = np.flatnonzero(cells.successes > 0)
    order = order[np.argsort(cells.stratum[order], kind="stable")]
    payer_cells = value_cells.select_cells(cells, order)
    payers, logs = payer_cells.successes, payer_cells.log_sum / LOG_UNIT
    offset = float(logs.sum() / payers.sum()) - prior_scales.INTERCEPT_MEAN
    squares = payer_cells.log_sum_squares / LOG_UNIT**2 - 2 * offset * logs
    squares = squares + offset**2 * payers
    counts = TrainingCells(
        payer_cells.stratum,
        payer_cells.stratum_time,
        payer_cells.variant,
        payer_cells.context,
        payers,
        payers,
    )
    system = arrange_cells(design, counts, logs - offset * payers)
    prior = PRIOR_VARIANCE / LOG_UNIT**2
    noise = Noise(prior, float(squares.sum()), PRIOR_DOF, prior)
    system_fit = fit_system(design, replace(system, noise=noise))
    return LogAmounts(system_fit, offset, payer_cells)


def _fit_variances(design: Design, logs: LogAmounts) -> VarianceModel:
    """Learn variances by variant and context level from the cells' residuals."""
    cells, expected = logs.payer_cells, logs.predictor
    squares = cells.log_sum_squares - 2 * expected * cells.log_sum
    squares = np.maximum(squares + expected**2 * cells.successes, 0.0)
    indices = cells.variant, cells.context
    return heteroscedasticity.fit_variances(
        design, indices, cells.successes, squares, logs.variance
    )


def _compute_expected_sums(
    design: Design, logs: LogAmounts, variances: VarianceModel
) -> ExpectedAmounts:
    cells = logs.payer_cells
    excess = variances.compute_excess(design, cells.variant, cells.context)
    sums = cells.successes * np.exp(np.minimum(logs.predictor + excess, MAX_LOG))
    return ExpectedAmounts(sums, logs.variance, logs.system_fit.dof)


def _merge_infos(paid: FitInfo, amount: FitInfo) -> FitInfo:
    scales = {f"paid: {name}": sd for name, sd in paid.prior_scales.items()}
    scales |= {f"amount: {name}": sd for name, sd in amount.prior_scales.items()}
    return FitInfo(
        converged=True,
        iterations=paid.iterations + amount.iterations,
        prior_scales=scales,
        log_evidence=paid.log_evidence + amount.log_evidence,
        left_out=paid.left_out,
    )

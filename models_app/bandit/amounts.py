"""Numeric rewards: who pays and how much, or the plain mean where that model misfits."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models_app.bandit import (
    cells as counts,
    inference,
    means,
    scales,
    system as systems,
    valued,
)
from models_app.bandit.design import Design, Floats
from models_app.bandit.inference import FitInfo, Found
from models_app.bandit.posterior import Posterior
from models_app.bandit.rewards import Belief
from models_app.bandit.system import Noise
from models_app.bandit.valued import AmountCells

PRIOR_DOF, PRIOR_VARIANCE = 2.0, 1.0
"""What the variance of log amounts is before anybody paid, and in how many payers."""

LOG_UNIT = 0.5
"""Log amounts are fit in this unit, so that their prior scales are that share of those
of log odds."""

CERTAIN = 1e-12
CLEARLY, BARELY = 2.0, 3.0
"""Standard errors by which total amounts must miss the log-normal before they move it:
where their sum testifies (below), and where it does not."""

MISFIT, TESTIFYING = 5.0, 100.0
"""Standard errors by which one variant's sum must miss, and how many payers of equal
amounts its sum must be worth to testify: a sum ruled by a few of them does not."""

FEW_REFUNDS = 0.01

UNKNOWN = "nobody has paid yet: the reward shown is the chance to pay"
REFUNDS = "some amounts are negative: means are learnt without splitting who pays"
FEW = "some amounts are negative, too few to be learnt: the means leave them out"
MISFITS = "amounts are not log-normal: means are learnt without splitting who pays"
SMEARED = "amounts are not quite log-normal: their level was set by their sum"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Sums against the log-normal: smearing (mean, sd), its miss, its worst variant."""

    smearing: tuple[float, float]
    miss: float
    worst: float
    moved: bool


def fit(design: Design, cells: AmountCells) -> tuple[Belief, FitInfo]:
    """Fit the hurdle model of docs/model.md, or the mean model where it misfits.

    Raises ValueError naming the field for cells that do not fit the design, and
    inference.NotConverged.
    """
    valued.check(cells, design)
    paid = inference.search(design, systems.arrange(design, cells)).fit
    refunded = _share_of_others(cells) > FEW_REFUNDS
    if cells.successes.sum() <= 0:
        if cells.value_sum.any():
            return means.fit(design, cells, REFUNDS)
        sure = np.eye(1 + design.columns) * CERTAIN
        amount = Posterior(design, np.zeros(1 + design.columns), sure)
        return _hurdle(paid.posterior, amount, (0.0, 0.0), UNKNOWN), paid.info
    if refunded and cells.refunds:
        return means.fit(design, cells, REFUNDS)
    found, offset = log_amounts(design, cells)
    calibration = _calibrate(cells, found, offset)
    if refunded and calibration.miss < -CLEARLY:
        return means.fit(design, cells, REFUNDS)
    if calibration.worst > MISFIT:
        return means.fit(design, cells, MISFITS)
    notes = (SMEARED,) * calibration.moved + (FEW,) * cells.refunds
    amount = means.shifted(found.fit.posterior, offset, LOG_UNIT)
    belief = _hurdle(paid.posterior, amount, calibration.smearing, *notes)
    return belief, _joined(paid.info, found.fit.info)


def _hurdle(
    paid: Posterior, amount: Posterior, smearing: tuple[float, float], *notes: str
) -> Belief:
    names = ("paid", "amount")
    return Belief("hurdle", (paid, amount), names, smearing=smearing, notes=notes)


def _share_of_others(cells: AmountCells) -> float:
    rewarded = cells.others.sum() + cells.successes.sum()
    return float(cells.others.sum() / rewarded) if rewarded > 0 else 0.0


def log_amounts(design: Design, cells: AmountCells) -> tuple[Found, float]:
    """Fit log amounts of those who paid, shifted so that the prior's level is theirs."""
    payers, logs = cells.successes, cells.log_sum / LOG_UNIT
    offset = float(logs.sum() / payers.sum()) - scales.INTERCEPT_MEAN
    squares = cells.log_sum_squares / LOG_UNIT**2 - 2 * offset * logs
    squares = squares + offset**2 * payers
    only = counts.TrainingCells(
        cells.stratum, cells.stratum_time, cells.variant, cells.context, payers, payers
    )
    system = systems.arrange(design, only, logs - offset * payers)
    prior = PRIOR_VARIANCE / LOG_UNIT**2
    noise = Noise(prior, float(squares.sum()), PRIOR_DOF, prior)
    return inference.search(design, replace(system, noise=noise)), offset


def _calibrate(cells: AmountCells, found: Found, offset: float) -> Calibration:
    """Set mean amount over exp(mean log amount), and see whether it holds everywhere.

    The log-normal says exp(variance / 2); the sums say it of themselves (Duan 1983,
    smearing) at a larger error, 1 / sqrt(payers they are worth). Kish's effective
    number, (sum)^2 / sum of squares, tells how many payers a sum is worth.
    """
    kept = _kept(cells)
    variant = cells.variant[kept]
    size = int(variant.max()) + 1
    expected = found.system.users * np.exp(LOG_UNIT * (found.predictor + offset))
    pairs = cells.value_sum[kept], cells.value_sum_squares[kept], expected
    sums, squares, plain = (counts.summed(variant, each, size) for each in pairs)
    noise = found.system.noise
    assert noise is not None  # log amounts are normal
    variance = noise.variance * LOG_UNIT**2
    model, spread = variance / 2, variance / np.sqrt(2 * found.dof)
    whole = _log_ratio(sums.sum(), squares.sum(), plain.sum())
    miss, error = float(whole[0]) - model, float(whole[1])
    share, doubt = _heard(miss, error, spread)
    level = model + share * miss
    each, errors = _log_ratio(sums, squares, plain)
    off = np.abs(each - level) / np.hypot(errors, spread)
    return Calibration(
        smearing=(float(level), doubt),
        miss=float(miss / error),
        worst=float(off[_testifies(errors)].max(initial=0.0)),
        moved=share > 0,
    )


def _heard(miss: float, error: float, spread: float) -> tuple[float, float]:
    """Share of its miss by which a sum moves the log-normal's level, and the sd then.

    Only as far as it misses clearly, so that one whale does not. What is not followed
    of a sum that testifies stays in doubt: a tail longer than the log-normal's shows
    there before it is clear.
    """
    if not np.isfinite(error):  # refunds outweigh all sales
        return 0.0, spread
    testifies = bool(_testifies(error))
    clear = (CLEARLY if testifies else BARELY) * error
    share = 1.0 - (clear / miss) ** 2 if clear < abs(miss) else 0.0
    doubted = (1 - share) * (1.0 if testifies else share)
    variance = ((1 - share) * spread) ** 2 + (share * error) ** 2 + doubted * miss**2
    return share, float(np.sqrt(variance))


def _testifies(error: float | Floats) -> NDArray[np.bool_]:
    """Whether sums of such relative errors are worth TESTIFYING payers."""
    return np.asarray(error < TESTIFYING**-0.5, dtype=np.bool_)


def _kept(cells: AmountCells) -> Floats:
    """Cells with payers in the order of systems.arrange."""
    kept = np.flatnonzero(cells.successes > 0)
    return np.asarray(kept[np.argsort(cells.stratum[kept], kind="stable")])


def _log_ratio(sums: Floats, squares: Floats, plain: Floats) -> tuple[Floats, Floats]:
    """Log of observed over plain sums, and its standard error.

    Infinite for none, and for amounts so small that their squares are lost.
    """
    there = (np.asarray(sums) > 0) & (np.asarray(squares) > 0) & (np.asarray(plain) > 0)
    positive = np.where(there, sums, 1.0)
    ratio = np.where(there, np.log(positive / np.where(there, plain, 1.0)), 0.0)
    return ratio, np.where(there, np.sqrt(squares) / positive, np.inf)


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

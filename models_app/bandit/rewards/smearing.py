"""Smearing: the mean amount over exp(mean log amount), from the model and from sums."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats

# Standard errors by which the sum of all amounts must miss the log-normal before it
# changes the level: if the sum is reliable (RELIABLE_PAYERS), and if it is not.
RELIABLE_MISS_ERRORS, UNRELIABLE_MISS_ERRORS = 2.0, 3.0

# Standard errors by which the sum of one variant must miss before the log-normal is
# rejected, and the number of equal payers that a sum must be worth to be reliable. A
# few large amounts may dominate a sum worth fewer.
MISFIT_ERRORS, RELIABLE_PAYERS = 5.0, 100.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """The sums of amounts, compared with the log-normal model.

    Attributes
    ----------
    smearing: mean and sd of the log of mean amount over exp(mean log amount).
    z: observed log smearing minus the log-normal's, in standard errors.
    max_variant_z: largest |z| of a variant whose sum is reliable.
    uses_sums: whether the sum of all amounts changed the log-normal's level.

    """

    smearing: tuple[float, float]
    z: float
    max_variant_z: float
    uses_sums: bool


@dataclass(frozen=True, slots=True)
class ExpectedAmounts:
    """What the model of log amounts expects of n cells with payers.

    Attributes
    ----------
    sums: [n] what the payers would have paid if means were exp(mean log amount).
    variance: common variance of log amounts.
    dof: number of payers that the variance was learned from.

    """

    sums: Floats
    variance: float
    dof: float


def calibrate_smearing(cells: AmountCells, expected: ExpectedAmounts) -> Calibration:
    """Estimate the smearing, and test whether it is the same for every variant.

    The log-normal model says exp(variance / 2). The sums of amounts estimate it without
    that model (Duan 1983), with a larger error: 1 / sqrt(payers that they are worth).
    That number is Kish's effective sample size, sum² / sum of squares.
    """
    size = int(cells.variant.max()) + 1
    sums, squares, model_sums = (
        sum_by_index(cells.variant, values, size)
        for values in (cells.value_sum, cells.value_sum_squares, expected.sums)
    )
    model_sd = expected.variance / np.sqrt(2 * expected.dof)
    ratio, ratio_error = _compute_log_ratio(sums.sum(), squares.sum(), model_sums.sum())
    miss, error = float(ratio) - expected.variance / 2, float(ratio_error)
    share, sd = _weigh_miss(miss, error, model_sd)
    level = expected.variance / 2 + share * miss
    ratios, errors = _compute_log_ratio(sums, squares, model_sums)
    variant_z = np.abs(ratios - level) / np.hypot(errors, model_sd)
    return Calibration(
        smearing=(float(level), sd),
        z=float(miss / error),
        max_variant_z=float(variant_z[_is_reliable(errors)].max(initial=0.0)),
        uses_sums=share > 0,
    )


def _weigh_miss(miss: float, error: float, model_sd: float) -> tuple[float, float]:
    """Return the share of its `miss` that moves the level, and the level's sd.

    The level moves only as far as the sum misses clearly, so that one huge amount does
    not move it. The rest of a reliable sum's miss widens the sd: a tail longer than
    the log-normal's shows there before it is clear.
    """
    if not np.isfinite(error):  # refunds outweigh all sales
        return 0.0, model_sd
    reliable = bool(_is_reliable(error))
    clear = (RELIABLE_MISS_ERRORS if reliable else UNRELIABLE_MISS_ERRORS) * error
    share = 1.0 - (clear / miss) ** 2 if clear < abs(miss) else 0.0
    unexplained = (1 - share) * (1.0 if reliable else share)
    variance = (
        ((1 - share) * model_sd) ** 2 + (share * error) ** 2 + unexplained * miss**2
    )
    return share, float(np.sqrt(variance))


def _is_reliable(error: float | Floats) -> NDArray[np.bool_]:
    """Return whether sums with these relative errors are worth RELIABLE_PAYERS."""
    return np.asarray(error < RELIABLE_PAYERS**-0.5, dtype=np.bool_)


def _compute_log_ratio(
    sums: Floats, squares: Floats, model_sums: Floats
) -> tuple[Floats, Floats]:
    """Return the log of observed over model sums, and its standard error.

    The error is infinite if there is no sum, or if amounts are so small that their
    squares underflow to zero.
    """
    usable = (
        (np.asarray(sums) > 0)
        & (np.asarray(squares) > 0)
        & (np.asarray(model_sums) > 0)
    )
    positive = np.where(usable, sums, 1.0)
    ratio = np.log(positive) - np.log(np.where(usable, model_sums, 1.0))
    error = np.where(usable, np.sqrt(squares) / positive, np.inf)
    return np.where(usable, ratio, 0.0), error

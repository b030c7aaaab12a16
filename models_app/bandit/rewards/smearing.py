"""Mean amount over exp(mean log amount): what the log-normal says, and what sums say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.data.value_cells import AmountCells
from models_app.bandit.design.design import Floats

RELIABLE_MISS_ERRORS, UNRELIABLE_MISS_ERRORS = 2.0, 3.0
"""Standard errors by which total amounts must miss the log-normal before they move it:
where their sum testifies (below), and where it does not."""

MISFIT_ERRORS, RELIABLE_PAYERS = 5.0, 100.0
"""Standard errors by which one variant's sum must miss, and how many payers of equal
amounts its sum must be worth to testify: a sum ruled by a few of them does not."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Sums against the log-normal: smearing (mean, sd), its miss, its worst variant."""

    smearing: tuple[float, float]
    miss: float
    worst: float
    moved: bool


@dataclass(frozen=True, slots=True)
class ExpectedAmounts:
    """What the model of log amounts expects of cells [n] with payers.

    `sums`: what their payers would have paid if means were exp(mean log amount).
    `variance`: the common one of log amounts, known from `dof` payers.
    """

    sums: Floats
    variance: float
    dof: float


def calibrate_smearing(cells: AmountCells, expected: ExpectedAmounts) -> Calibration:
    """Set mean amount over exp(mean log amount), and see whether it holds everywhere.

    The log-normal says exp(variance / 2); the sums say it of themselves (Duan 1983,
    smearing) at a larger error, 1 / sqrt(payers they are worth). Kish's effective
    number, (sum)^2 / sum of squares, tells how many payers a sum is worth.
    """
    size = int(cells.variant.max()) + 1
    three = cells.value_sum, cells.value_sum_squares, expected.sums
    sums, squares, plain = (sum_by_index(cells.variant, each, size) for each in three)
    spread = expected.variance / np.sqrt(2 * expected.dof)
    whole = _compute_log_ratio(sums.sum(), squares.sum(), plain.sum())
    miss, error = float(whole[0]) - expected.variance / 2, float(whole[1])
    share, doubt = _weigh_miss(miss, error, spread)
    level = expected.variance / 2 + share * miss
    each, errors = _compute_log_ratio(sums, squares, plain)
    off = np.abs(each - level) / np.hypot(errors, spread)
    return Calibration(
        smearing=(float(level), doubt),
        miss=float(miss / error),
        worst=float(off[_is_reliable(errors)].max(initial=0.0)),
        moved=share > 0,
    )


def _weigh_miss(miss: float, error: float, spread: float) -> tuple[float, float]:
    """Share of its miss by which a sum moves the log-normal's level, and the sd then.

    Only as far as it misses clearly, so that one whale does not. What is not followed
    of a sum that testifies stays in doubt: a tail longer than the log-normal's shows
    there before it is clear.
    """
    if not np.isfinite(error):  # refunds outweigh all sales
        return 0.0, spread
    testifies = bool(_is_reliable(error))
    clear = (RELIABLE_MISS_ERRORS if testifies else UNRELIABLE_MISS_ERRORS) * error
    share = 1.0 - (clear / miss) ** 2 if clear < abs(miss) else 0.0
    doubted = (1 - share) * (1.0 if testifies else share)
    variance = ((1 - share) * spread) ** 2 + (share * error) ** 2 + doubted * miss**2
    return share, float(np.sqrt(variance))


def _is_reliable(error: float | Floats) -> NDArray[np.bool_]:
    """Whether sums of such relative errors are worth TESTIFYING payers."""
    return np.asarray(error < RELIABLE_PAYERS**-0.5, dtype=np.bool_)


def _compute_log_ratio(
    sums: Floats, squares: Floats, plain: Floats
) -> tuple[Floats, Floats]:
    """Log of observed over plain sums, and its standard error.

    Infinite for none, and for amounts so small that their squares are lost.
    """
    there = (np.asarray(sums) > 0) & (np.asarray(squares) > 0) & (np.asarray(plain) > 0)
    positive = np.where(there, sums, 1.0)
    ratio = np.log(positive) - np.log(np.where(there, plain, 1.0))
    return np.where(there, ratio, 0.0), np.where(
        there, np.sqrt(squares) / positive, np.inf
    )

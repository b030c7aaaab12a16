"""Nuisance columns that absorb the delay of variants that convert later than others."""

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Floats, Integers

# Steps to which shares are rounded, so that there are few distinct feature rows.
DELAY_STEPS = 32


def compute_delay_steps(cells: TrainingCells, indices: Integers) -> Integers:
    """Return steps [n, L] of the rewards and of the horizon that are still to come.

    `indices` [n] select the cells; L = 0 if nothing is to come.

    The variants that convert most dominate the arrived share, and they may be prompt. A
    variant whose rewards come later therefore gets the remaining share of the horizon
    as a second column. Both are 0 where the arrived share rounds to 1: such users count
    when changes of the world are looked for, like users past the horizon.
    """
    no_steps = np.zeros((len(indices), 0), dtype=np.int64)
    if cells.maturity is None:
        return no_steps
    shares = [share for share in (cells.maturity, cells.elapsed) if share is not None]
    remaining = 1.0 - np.minimum(np.stack(shares, axis=1)[indices], 1.0)
    steps = np.round(remaining * DELAY_STEPS).astype(np.int64)
    steps[steps[:, 0] == 0] = 0
    return steps if steps.any() else no_steps


def build_row_keys(keys: Integers, delay_steps: Integers) -> Integers:
    """Return keys [n] that are equal only for equal `keys` [n] and steps [n, L]."""
    for column in delay_steps.T:
        keys = keys * (DELAY_STEPS + 1) + column
    return keys


def build_delay_columns(design: Design, rows: Floats, delay_steps: Integers) -> Floats:
    """Return the columns [U, L * mains] of feature rows [U, q] with steps [U, L].

    They are the main effects times each share that is still to come.
    """
    mains = sum(term.size for term in design.terms if term.kind == "main")
    shares = delay_steps / DELAY_STEPS
    columns = shares[:, :, None] * rows[:, None, :mains]
    return columns.reshape(len(rows), delay_steps.shape[1] * mains)

"""Nuisance columns that soak up that some variants convert later than others."""

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Floats, Integers

DELAY_STEPS = 32
"""Steps in which shares are told apart, so that few rows are distinct."""


def compute_delay_steps(cells: TrainingCells, kept: Integers) -> Integers:
    """Steps [n, L] of rewards, and of the horizon, that are still to come; L = 0: none.

    The share of rewards is told by who converts most, who may be prompt; so a variant
    whose rewards come later than theirs is also given the horizon for a doubt. Not so
    where all rewards have come by that share: such users count, and testify of changes
    of the world, like those past the horizon.
    """
    found = np.zeros((len(kept), 0), dtype=np.int64)
    if cells.maturity is None:
        return found
    known = [each for each in (cells.maturity, cells.passed) if each is not None]
    ahead = 1.0 - np.minimum(np.stack(known, axis=1)[kept], 1.0)
    left = np.round(ahead * DELAY_STEPS).astype(np.int64)
    left[left[:, 0] == 0] = 0
    return left if left.any() else found


def build_row_keys(of: Integers, waits: Integers) -> Integers:
    """Keys [n] that tell apart what `of` [n] and its steps [n, L] tell apart."""
    for column in waits.T:
        of = of * (DELAY_STEPS + 1) + column
    return of


def build_delay_columns(design: Design, rows: Floats, waits: Integers) -> Floats:
    """Return the columns [U, L * mains] of feature rows [U, q] with steps [U, L]."""
    mains = sum(term.size for term in design.terms if term.kind == "main")
    slow = (waits / DELAY_STEPS)[:, :, None] * rows[:, None, :mains]
    return slow.reshape(len(rows), waits.shape[1] * mains)

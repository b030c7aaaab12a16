"""The leading variants: which variant each context cell gets once it is shipped."""

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Floats, Integers


def pick_leading_variants(prob_best: Floats, servable: NDArray[np.bool_]) -> Integers:
    """Return, by context cell, the number of the variant most likely to be best.

    `prob_best` is [S, V]. Only `servable` variants [V] count; the lowest number wins a
    tie.
    """
    masked = np.where(servable, prob_best, -1.0)
    return np.asarray(masked.argmax(axis=1) + 1, dtype=np.int64)


def build_leading_table(prob_best: Floats, servable: NDArray[np.bool_]) -> Floats:
    """Return the table [S, V] that gives every context cell its leading variant only."""
    numbers = pick_leading_variants(prob_best, servable)
    table = np.zeros(prob_best.shape)
    table[np.arange(len(table)), numbers - 1] = 1.0
    return table

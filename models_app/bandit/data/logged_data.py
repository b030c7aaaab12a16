"""What was logged: cells of users whose propensities are known."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers

PolicyTables = Callable[[int], Floats]
"""From a policy version's number to its probabilities [S, V]."""


@dataclass(frozen=True, slots=True)
class LoggedCells:
    """n cells of mature users, all arrays [n].

    Parameters
    ----------
    regime, day, version: numbers; together they name the stratum.
    holdout: whether the users were held out and so got the baseline, variant 0.
    variant, context: 0-based indices.
    users, converted: counts. value_sum, value_sum_squares: of one value per user.

    """

    regime: Integers
    day: Integers
    version: Integers
    holdout: NDArray[np.bool_]
    variant: Integers
    context: Integers
    users: Floats
    converted: Floats
    value_sum: Floats
    value_sum_squares: Floats

    def only(self, chosen: NDArray[np.bool_]) -> "LoggedCells":
        """Return the cells chosen [n]."""
        return LoggedCells(
            *(getattr(self, field.name)[chosen] for field in fields(self))
        )


def group_strata(logged: LoggedCells) -> tuple[Integers, Integers]:
    """Return the first cell of each stratum [T], and the stratum of each cell [n].

    A stratum is a regime, day and policy version; they are in the order of versions.
    """
    keys = np.stack([logged.version, logged.day, logged.regime])
    _, first, place = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    return first, place.reshape(-1)


def find_possible_cells(logged: LoggedCells, served: PolicyTables) -> NDArray[np.bool_]:
    """Tell [n] whether the arm and the logged policy could have given the variant."""
    found: NDArray[np.bool_] = np.equal(logged.variant, 0)
    for version in np.unique(logged.version):
        drawn = (logged.version == version) & ~logged.holdout
        table = served(int(version))
        found[drawn] = table[logged.context[drawn], logged.variant[drawn]] > 0
    return found


def compute_holdout_share(logged: LoggedCells) -> Floats:
    """Return, by cell [n], the share of users held out that day of the regime.

    Counted rather than configured: given the sizes of the arms the weights are exact
    whatever the share should have been.
    """
    if not len(logged.users):
        return np.zeros(0)
    keys = np.stack([logged.regime, logged.day])
    _, place = np.unique(keys, axis=1, return_inverse=True)
    place = place.reshape(-1)
    size = int(place.max()) + 1
    held = sum_by_index(place, logged.users * logged.holdout, size)
    users = sum_by_index(place, logged.users, size)
    return np.asarray((held / np.maximum(users, 1e-300))[place], dtype=np.float64)

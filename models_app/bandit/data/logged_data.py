"""Logged data: cells of mature users, for estimating what another policy would earn."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers

# Returns the probabilities [S, V] of a policy version, given its number.
PolicyTables = Callable[[int], Floats]


@dataclass(frozen=True, slots=True)
class LoggedCells:
    """n cells of mature users whose propensities are known; all arrays are [n].

    Attributes
    ----------
    regime, day, version: numbers that together identify the stratum.
    holdout: whether the users were in the holdout and so got the baseline, variant 0.
    variant, context: 0-based indices of variants and context cells.
    users, converted: counts.
    value_sum, value_sum_squares: sums over users, one value per user.

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

    def only(self, mask: NDArray[np.bool_]) -> "LoggedCells":
        """Return the cells for which the mask [n] is true."""
        return LoggedCells(*(getattr(self, field.name)[mask] for field in fields(self)))


def group_strata(logged: LoggedCells) -> tuple[Integers, Integers]:
    """Return the first cell of each stratum [T] and the stratum of each cell [n].

    A stratum is a regime, day and policy version. Strata are ordered by version.
    """
    keys = np.stack([logged.version, logged.day, logged.regime])
    _, first, stratum = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    return first, stratum.reshape(-1)


def find_possible_cells(
    logged: LoggedCells, policy_tables: PolicyTables
) -> NDArray[np.bool_]:
    """Return [n] whether a cell's arm and logged policy could serve its variant."""
    possible: NDArray[np.bool_] = np.equal(logged.variant, 0)
    for version in np.unique(logged.version):
        optimized = (logged.version == version) & ~logged.holdout
        table = policy_tables(int(version))
        probability = table[logged.context[optimized], logged.variant[optimized]]
        possible[optimized] = probability > 0
    return possible


def compute_holdout_share(logged: LoggedCells) -> Floats:
    """Return the share [n] of users in the holdout on each cell's regime and day.

    The share is counted, not the configured percentage: weights conditional on the
    observed arm sizes are exact whatever the percentage was.
    """
    if not len(logged.users):
        return np.zeros(0)
    keys = np.stack([logged.regime, logged.day])
    _, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1)
    size = int(group.max()) + 1
    holdout = sum_by_index(group, logged.users * logged.holdout, size)
    users = sum_by_index(group, logged.users, size)
    return np.asarray((holdout / np.maximum(users, 1e-300))[group], dtype=np.float64)

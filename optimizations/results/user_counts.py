"""Users, conversions and rewards by group: all users so far, and the mature ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics.models import Metric
from metrics.stats import EMPTY_TOTALS
from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.cell_columns import CellArrays, Flags, Integers
from optimizations.cube.cell_groups import GroupKey
from optimizations.cube.refresh import ObservationCube


@dataclass(frozen=True, slots=True)
class UserCounts:
    """Counts of one group of users.

    Attributes
    ----------
    users, exposures: all so far.
    conversions: users so far whose reward is worth more than 0: an outcome of negative
        weight, or a refund, is none.
    rewarded_users: users so far with any counted reward.
    mature_users, mature_exposures, mature_conversions: the same, of users whose horizon
        has passed. Those of younger users may still come.
    mean_reward: of mature users; None without any.

    """

    users: int = 0
    exposures: int = 0
    conversions: int = 0
    rewarded_users: int = 0
    mature_users: int = 0
    mature_exposures: int = 0
    mature_conversions: int = 0
    mean_reward: float | None = None


NO_USERS = UserCounts()


class UserCounter:
    """Counts the users of a cube's cells by any columns."""

    def __init__(self, metric: Metric | None, cube: ObservationCube) -> None:
        """Find the conversions of each cell by the kind of the reward."""
        self._kind = "bool" if metric is None else metric.reward_type
        self._cells = cube.arrays
        self.positive_cells = replace(
            self._cells, converted=count_positive(metric, cube)
        )

    def count(self, *columns: Integers | Flags) -> dict[GroupKey, UserCounts]:
        """Return the counts of each group of `columns` [n] of the cube's arrays."""
        every = aggregates.count_by_key(self.positive_cells, *columns)
        rewarded = aggregates.count_by_key(self._cells, *columns)
        is_mature = self._cells.mature
        of_mature = [column[is_mature] for column in columns]
        mature = aggregates.count_by_key(
            self.positive_cells.select(is_mature), *of_mature
        )
        means = self._compute_means(self._cells.select(is_mature), of_mature)
        return {
            key: UserCounts(
                users=counts.users,
                exposures=counts.exposures,
                conversions=counts.conversions,
                rewarded_users=rewarded[key].conversions,
                mature_users=mature.get(key, Counts()).users,
                mature_exposures=mature.get(key, Counts()).exposures,
                mature_conversions=mature.get(key, Counts()).conversions,
                mean_reward=means.get(key),
            )
            for key, counts in every.items()
        }

    def count_all(self) -> UserCounts:
        """Return the counts of all users together."""
        together = np.zeros(len(self._cells), dtype=np.int64)
        return self.count(together).get((0,), NO_USERS)

    def _compute_means(
        self, mature: CellArrays, columns: Sequence[Integers | Flags]
    ) -> dict[GroupKey, float]:
        totals = aggregates.compute_totals_by_key(mature, self._kind, *columns)
        return {
            key: group.mean
            for key, group in totals.items()
            if group != EMPTY_TOTALS and group.users
        }


def count_positive(metric: Metric | None, cube: ObservationCube) -> Integers:
    """Return the users [n] of each cell whose reward is worth more than 0."""
    cells = cube.arrays
    if metric is None or metric.reward_type == "bool":
        return cells.converted
    if metric.reward_type == "numeric":
        return cube.payments.payers
    good = {
        outcome["key"]
        for outcome in metric.outcomes or ()
        if float(outcome["weight"]) > 0
    }
    is_good = np.array([outcome in good for outcome in cells.outcome], dtype=np.bool_)
    return np.where(is_good, cells.converted, 0)

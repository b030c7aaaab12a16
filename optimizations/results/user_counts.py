"""Users, conversions and rewards by group: all users so far, and the mature ones."""

from dataclasses import dataclass, replace

import numpy as np

from metrics.models import Metric
from optimizations.cube import cell_groups
from optimizations.cube.cell_columns import Flags, Integers
from optimizations.cube.cell_groups import CellGroups, GroupKey
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


@dataclass(frozen=True, slots=True)
class GroupedCounts:
    """The counts of g groups as lists [g], in the order of `keys`; see `UserCounts`."""

    keys: list[GroupKey]
    users: list[int]
    exposures: list[int]
    conversions: list[int]
    rewarded_users: list[int]
    mature_users: list[int]
    mature_exposures: list[int]
    mature_conversions: list[int]
    mean_rewards: list[float | None]


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
        counts = self.count_groups(cell_groups.group_cells(columns))
        rows = map(
            UserCounts,
            counts.users,
            counts.exposures,
            counts.conversions,
            counts.rewarded_users,
            counts.mature_users,
            counts.mature_exposures,
            counts.mature_conversions,
            counts.mean_rewards,
        )
        return dict(zip(counts.keys, rows, strict=True))

    def count_groups(self, groups: CellGroups) -> GroupedCounts:
        """Return the counts of groups as lists: without an object for each of many."""
        cells, positive = self._cells, self.positive_cells.converted
        mature_users = groups.sum_integers(cells.users * cells.mature)
        return GroupedCounts(
            keys=groups.keys,
            users=groups.sum_integers(cells.users),
            exposures=groups.sum_integers(cells.exposures),
            conversions=groups.sum_integers(positive),
            rewarded_users=groups.sum_integers(cells.converted),
            mature_users=mature_users,
            mature_exposures=groups.sum_integers(cells.exposures * cells.mature),
            mature_conversions=groups.sum_integers(positive * cells.mature),
            mean_rewards=[
                value / users if users else None
                for value, users in zip(
                    self._sum_mature_values(groups), mature_users, strict=True
                )
            ],
        )

    def count_all(self) -> UserCounts:
        """Return the counts of all users together."""
        together = np.zeros(len(self._cells), dtype=np.int64)
        return self.count(together).get((0,), NO_USERS)

    def _sum_mature_values(self, groups: CellGroups) -> list[float]:
        """Sum what the mature users of each group are worth; a conversion is worth 1."""
        cells = self._cells
        is_bool = self._kind == "bool"
        values = cells.converted.astype(np.float64) if is_bool else cells.value_sum
        return groups.sum_values(np.where(cells.mature, values, 0.0))


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
    outcomes = cells.outcome.tolist()
    is_good = np.fromiter(map(good.__contains__, outcomes), np.bool_, len(outcomes))
    return np.where(is_good, cells.converted, 0)

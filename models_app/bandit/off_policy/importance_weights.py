"""How much a logged user counts under another policy, and the reward model beside it."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.data.logged_data import (
    LoggedCells,
    PolicyTables,
    compute_holdout_share,
    group_strata,
)
from models_app.bandit.design.design import Floats, Integers

SMOOTHING_USERS = 50.0
"""Users of the coarser mean that a cell of the reward model starts with."""


class UnsupportedError(ValueError):
    """The target needs a variant that a logged policy could not serve there.

    `version` is the policy version, `variant` and `context` are 0-based indices.
    """

    def __init__(self, version: int, variant: int, context: int) -> None:
        super().__init__(
            f"variant {variant + 1} had no probability in context {context} "
            f"under policy version {version}"
        )
        self.version, self.variant, self.context = version, variant, context


@dataclass(frozen=True, slots=True)
class WeightedCells:
    """What a target makes of each cell, arrays [n].

    `weight`: probability under the target over that under what served. `offset`: the
    reward model's value of the target, less weight times its value of the variant.
    `deciding`: the expected number of users that carry the variance, (E Σw²)² / E Σw⁴.
    """

    weight: Floats
    offset: Floats
    deciding: float


class ImportanceWeights:
    """Strata of the logged cells, and each cell's weight under a target."""

    def __init__(self, logged: LoggedCells) -> None:
        self.logged = logged
        self.first, self.strata = group_strata(logged)
        self.holdout_share = compute_holdout_share(logged)
        self.order: Integers = np.argsort(self.strata, kind="stable")
        ends = np.arange(len(self.first) + 1)
        self.bounds: Integers = np.searchsorted(self.strata[self.order], ends)

    def weigh_cells(self, served: PolicyTables, target: PolicyTables) -> WeightedCells:
        """Weigh every cell; one version's tables are held at a time.

        Raises UnsupportedError where the target needs what could not be served.
        """
        weight, offset = np.zeros(len(self.strata)), np.zeros(len(self.strata))
        squares = fourths = 0.0
        version, ran, aimed = -1, np.zeros((0, 0)), np.zeros((0, 0))
        for number, first in enumerate(self.first):
            if self.logged.version[first] != version:
                version = int(self.logged.version[first])
                ran, aimed = served(version), target(version)
            cells = self.order[self.bounds[number] : self.bounds[number + 1]]
            contexts, local = np.unique(self.logged.context[cells], return_inverse=True)
            local = local.reshape(-1)
            wanted = aimed[contexts]
            chance = _compute_propensity(
                ran[contexts], float(self.holdout_share[first])
            )
            _require_support(wanted, chance, version, contexts)
            ratio = np.divide(
                wanted, chance, out=np.zeros_like(chance), where=chance > 0
            )
            day = int(self.logged.day[first])
            model = predict_rewards(self.logged, day, contexts, ran.shape[1])
            at = local, self.logged.variant[cells]
            weight[cells] = ratio[at]
            offset[cells] = (wanted * model).sum(axis=1)[local] - ratio[at] * model[at]
            users = sum_by_index(local, self.logged.users[cells], len(contexts))
            squares += float(users @ (chance * ratio**2).sum(axis=1))
            fourths += float(users @ (chance * ratio**4).sum(axis=1))
        return WeightedCells(weight, offset, squares**2 / fourths if fourths else 0.0)


def predict_rewards(
    logged: LoggedCells, day: int, contexts: Integers, variants: int
) -> Floats:
    """Return the reward model [contexts, variants] for a day, from all *other* days.

    Cell means, shrunk to the sum of what variant and context add to the overall mean;
    0 where there is no other day. A day's own users have no part in it, so it cannot
    fit their luck.
    """
    others = logged.only(logged.day != day)
    users = float(others.users.sum())
    if not users:
        return np.zeros((len(contexts), variants))
    overall = float(others.value_sum.sum()) / users
    size = int(max(others.context.max(), contexts.max())) + 1
    of_variant = _shrink_means(others, others.variant, variants, overall)
    of_context = _shrink_means(others, others.context, size, overall)
    coarse = of_variant[None, :] + of_context[contexts, None] - overall
    place = np.full(size, -1)
    place[contexts] = np.arange(len(contexts))
    seen = others.only(place[others.context] >= 0)
    index = place[seen.context] * variants + seen.variant
    count = sum_by_index(index, seen.users, coarse.size).reshape(coarse.shape)
    total = sum_by_index(index, seen.value_sum, coarse.size).reshape(coarse.shape)
    return np.asarray((total + SMOOTHING_USERS * coarse) / (count + SMOOTHING_USERS))


def _shrink_means(
    logged: LoggedCells, index: Integers, size: int, overall: float
) -> Floats:
    users = sum_by_index(index, logged.users, size)
    total = sum_by_index(index, logged.value_sum, size)
    return np.asarray((total + SMOOTHING_USERS * overall) / (users + SMOOTHING_USERS))


def _compute_propensity(table: Floats, held: float) -> Floats:
    """Probability [R, V] over both arms: the holdout gets the baseline."""
    chance = (1 - held) * table
    chance[:, 0] += held
    return chance


def _require_support(
    wanted: Floats, chance: Floats, version: int, contexts: Integers
) -> None:
    missing = np.argwhere((wanted > 0) & (chance <= 0))
    if len(missing):
        row, variant = missing[0]
        raise UnsupportedError(version, int(variant), int(contexts[row]))

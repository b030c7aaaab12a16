"""Importance weights of logged cells under another policy, and a model of rewards."""

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

# Weight, in users, of the coarser mean in each mean of the reward model.
SMOOTHING_USERS = 50.0


class UnsupportedError(ValueError):
    """The target policy needs a variant that a logged policy could not serve.

    `version` is the policy version; `variant` and `cell_index` are 0-based indices.
    """

    def __init__(self, version: int, variant: int, cell_index: int) -> None:
        super().__init__(
            f"variant {variant + 1} had no probability in context cell {cell_index} "
            f"under policy version {version}"
        )
        self.version, self.variant, self.cell_index = version, variant, cell_index


@dataclass(frozen=True, slots=True)
class WeightedCells:
    """The n logged cells weighted for a target policy.

    Attributes
    ----------
    weight: [n] a variant's probability under the target over that when it was served.
    offset: [n] the reward model's value of the target in the cell's context, minus
        weight times its value of the cell's variant.
    deciding: expected number of users that carry the variance, (E Σw²)² / E Σw⁴.

    """

    weight: Floats
    offset: Floats
    deciding: float


class ImportanceWeights:
    """Weighs the logged cells for any target; groups them by stratum only once."""

    def __init__(self, logged: LoggedCells) -> None:
        self.logged = logged
        self.first, self.strata = group_strata(logged)
        self.holdout_share = compute_holdout_share(logged)
        self.order: Integers = np.argsort(self.strata, kind="stable")
        ends = np.arange(len(self.first) + 1)
        self.bounds: Integers = np.searchsorted(self.strata[self.order], ends)

    def weigh_cells(self, served: PolicyTables, target: PolicyTables) -> WeightedCells:
        """Weigh every cell, with the tables of one version in memory at a time.

        Raises UnsupportedError if the target needs a variant that could not be served.
        """
        weight, offset = np.zeros(len(self.strata)), np.zeros(len(self.strata))
        squares = fourths = 0.0
        version = -1
        served_table, target_table = np.zeros((0, 0)), np.zeros((0, 0))
        for stratum, first in enumerate(self.first):
            if self.logged.version[first] != version:
                version = int(self.logged.version[first])
                served_table, target_table = served(version), target(version)
            cells = self.order[self.bounds[stratum] : self.bounds[stratum + 1]]
            context_cells, row = np.unique(
                self.logged.context[cells], return_inverse=True
            )
            row = row.reshape(-1)
            target_probabilities = target_table[context_cells]
            propensity = _compute_propensity(
                served_table[context_cells], float(self.holdout_share[first])
            )
            _require_support(target_probabilities, propensity, version, context_cells)
            ratio = np.divide(
                target_probabilities,
                propensity,
                out=np.zeros_like(propensity),
                where=propensity > 0,
            )
            day = int(self.logged.day[first])
            model = predict_rewards(
                self.logged, day, context_cells, served_table.shape[1]
            )
            pair = row, self.logged.variant[cells]
            weight[cells] = ratio[pair]
            target_means = (target_probabilities * model).sum(axis=1)
            offset[cells] = target_means[row] - ratio[pair] * model[pair]
            users = sum_by_index(row, self.logged.users[cells], len(context_cells))
            squares += float(users @ (propensity * ratio**2).sum(axis=1))
            fourths += float(users @ (propensity * ratio**4).sum(axis=1))
        return WeightedCells(weight, offset, squares**2 / fourths if fourths else 0.0)


def predict_rewards(
    logged: LoggedCells, day: int, context_cells: Integers, variants: int
) -> Floats:
    """Return the reward model [·, variants] for a day, from all *other* days.

    Its rows are the `context_cells`, which are indices.

    It holds cell means, shrunk toward the overall mean plus what variant and context
    add to it; 0 if there is no other day. Users of the day itself are left out, so that
    the model cannot fit their luck.
    """
    others = logged.only(logged.day != day)
    users = float(others.users.sum())
    if not users:
        return np.zeros((len(context_cells), variants))
    overall = float(others.value_sum.sum()) / users
    context_count = int(max(others.context.max(), context_cells.max())) + 1
    by_variant = _shrink_means(others, others.variant, variants, overall)
    by_context = _shrink_means(others, others.context, context_count, overall)
    additive = by_variant[None, :] + by_context[context_cells, None] - overall
    row = np.full(context_count, -1)
    row[context_cells] = np.arange(len(context_cells))
    same_context = others.only(row[others.context] >= 0)
    index = row[same_context.context] * variants + same_context.variant
    shape = additive.shape
    count = sum_by_index(index, same_context.users, additive.size).reshape(shape)
    total = sum_by_index(index, same_context.value_sum, additive.size).reshape(shape)
    return np.asarray((total + SMOOTHING_USERS * additive) / (count + SMOOTHING_USERS))


def _shrink_means(
    logged: LoggedCells, index: Integers, size: int, overall: float
) -> Floats:
    """Return mean values [size] by index, shrunk toward the overall mean."""
    users = sum_by_index(index, logged.users, size)
    total = sum_by_index(index, logged.value_sum, size)
    return np.asarray((total + SMOOTHING_USERS * overall) / (users + SMOOTHING_USERS))


def _compute_propensity(table: Floats, holdout_share: float) -> Floats:
    """Return probabilities [R, V] over both arms; the holdout gets the baseline."""
    propensity = (1 - holdout_share) * table
    propensity[:, 0] += holdout_share
    return propensity


def _require_support(
    target_probabilities: Floats,
    propensity: Floats,
    version: int,
    context_cells: Integers,
) -> None:
    missing = np.argwhere((target_probabilities > 0) & (propensity <= 0))
    if len(missing):
        row, variant = missing[0]
        raise UnsupportedError(version, int(variant), int(context_cells[row]))

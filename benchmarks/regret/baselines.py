"""Engines that need no bandit library: even, and Thompson sampling by counts."""

import numpy as np
from scipy import stats

from benchmarks.regret.problem import Problem
from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers

NORMAL_97_5 = 1.96
SMALLEST_VARIANCE = 1e-6


class Uniform:
    """Every variant alike."""

    name = "uniform"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.variants = problem.variants
        self.rng = np.random.default_rng([seed, 77])

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw evenly."""
        del context
        even = np.full(n, 1.0 / self.variants)
        return self.rng.integers(0, self.variants, n), even

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Learn nothing."""

    def intervals(self) -> None:
        """Tell nothing."""


class CellThompson:
    """Thompson sampling of each (context cell, variant) by its own counts.

    Beta posteriors from a flat prior for rewards 0 and 1; for others a normal
    approximation of the mean with one variance for all cells.
    """

    name = "beta_ts_per_cell"
    by_context = True

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.rng = np.random.default_rng([seed, 77])
        shape = problem.segments, problem.variants
        self.users, self.total, self.squares = np.zeros((3, *shape))

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Add a batch to the counts."""
        del propensities
        cell = variants
        if self.by_context:
            cell = contexts * self.problem.variants + variants
        self.users += self._table(cell, np.ones_like(rewards))
        self.total += self._table(cell, rewards)
        self.squares += self._table(cell, rewards**2)

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw from each variant's posterior; the highest draw is served."""
        size = n, self.problem.variants
        if self.problem.reward_kind == "bool":
            hits, users = self.total[context], self.users[context]
            drawn = self.rng.beta(1 + hits, 1 + users - hits, size)
        else:
            mean, sd = self._normal()
            drawn = self.rng.normal(mean[context], sd[context], size)
        return drawn.argmax(axis=1), None

    def intervals(self) -> tuple[Floats, Floats]:
        """Central 95% of each posterior."""
        if self.problem.reward_kind == "bool":
            found = stats.beta(1 + self.total, 1 + self.users - self.total)
            return found.ppf(0.025), found.ppf(0.975)
        mean, sd = self._normal()
        return mean - NORMAL_97_5 * sd, mean + NORMAL_97_5 * sd

    def _table(self, cell: Integers, values: Floats) -> Floats:
        """Sums by cell: [S, V], or [1, V] for all context cells alike."""
        rows = self.problem.segments if self.by_context else 1
        variants = self.problem.variants
        return sum_by_index(cell, values, rows * variants).reshape(rows, variants)

    def _normal(self) -> tuple[Floats, Floats]:
        """Mean and its sd [S, V], one user with the overall mean added to each cell."""
        rows = slice(None) if self.by_context else slice(1)
        users = max(self.users[rows].sum(), 1.0)
        overall = self.total[rows].sum() / users
        variance = self.squares[rows].sum() / users - overall**2
        mean = (self.total + overall) / (self.users + 1)
        return mean, np.sqrt(max(variance, SMALLEST_VARIANCE) / (self.users + 1))


class VariantThompson(CellThompson):
    """The plain multi-armed bandit: counts by variant, whatever the context."""

    name = "beta_ts_mab"
    by_context = False


ENGINES = {each.name: each for each in (Uniform, VariantThompson, CellThompson)}

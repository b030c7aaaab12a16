"""Engines that need no bandit library: uniform, and Thompson sampling by counts."""

import numpy as np
from scipy import stats

from benchmarks.regret.problem import Problem
from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers

NORMAL_97_5 = 1.96
SMALLEST_VARIANCE = 1e-6


class Uniform:
    """Serves every variant with the same probability."""

    name = "uniform"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.variants = problem.variants
        self.rng = np.random.default_rng([seed, 77])

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw with equal probabilities."""
        del context
        propensities = np.full(n, 1.0 / self.variants)
        return self.rng.integers(0, self.variants, n), propensities

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Learn nothing."""

    def intervals(self) -> None:
        """Return None: there are no intervals."""


class CellThompson:
    """Thompson sampling of each (context cell, variant) by its own counts.

    Rewards of 0 and 1 have Beta posteriors from a flat prior; other rewards a normal
    approximation of the mean, with one variance for all cells.
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
        self.users += self._sum_by_cell(cell, np.ones_like(rewards))
        self.total += self._sum_by_cell(cell, rewards)
        self.squares += self._sum_by_cell(cell, rewards**2)

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw from each variant's posterior and serve the highest draw."""
        size = n, self.problem.variants
        if self.problem.reward_kind == "bool":
            hits, users = self.total[context], self.users[context]
            draws = self.rng.beta(1 + hits, 1 + users - hits, size)
        else:
            mean, sd = self._estimate_means()
            draws = self.rng.normal(mean[context], sd[context], size)
        return draws.argmax(axis=1), None

    def intervals(self) -> tuple[Floats, Floats]:
        """Return the central 95% of each posterior."""
        if self.problem.reward_kind == "bool":
            posterior = stats.beta(1 + self.total, 1 + self.users - self.total)
            return posterior.ppf(0.025), posterior.ppf(0.975)
        mean, sd = self._estimate_means()
        return mean - NORMAL_97_5 * sd, mean + NORMAL_97_5 * sd

    def _sum_by_cell(self, cell: Integers, values: Floats) -> Floats:
        """Return sums by cell: [S, V], or [1, V] if contexts are ignored."""
        rows = self.problem.segments if self.by_context else 1
        variants = self.problem.variants
        return sum_by_index(cell, values, rows * variants).reshape(rows, variants)

    def _estimate_means(self) -> tuple[Floats, Floats]:
        """Return means and their sd [S, V], after adding one average user to each cell."""
        rows = slice(None) if self.by_context else slice(1)
        users = max(self.users[rows].sum(), 1.0)
        overall = self.total[rows].sum() / users
        variance = self.squares[rows].sum() / users - overall**2
        mean = (self.total + overall) / (self.users + 1)
        return mean, np.sqrt(max(variance, SMALLEST_VARIANCE) / (self.users + 1))


class VariantThompson(CellThompson):
    """The plain multi-armed bandit: counts by variant, contexts ignored."""

    name = "beta_ts_mab"
    by_context = False


ENGINES = {engine.name: engine for engine in (Uniform, VariantThompson, CellThompson)}

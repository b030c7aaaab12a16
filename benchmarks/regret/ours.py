"""Our engine behind the benchmark's interface: the product's own fit and policy."""

from dataclasses import dataclass, fields

import numpy as np

from benchmarks.regret.problem import Problem
from models_app.bandit.data import cells
from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.data.value_cells import AmountCells, OutcomeCells
from models_app.bandit.design.design import Design, Factor, Floats, Integers
from models_app.bandit.policy import allocation
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import fit
from models_app.bandit.rewards.reward_model import FittedReward, draw_chunks

NORMAL_97_5 = 1.959963984540054
DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Batch:
    """Non-empty cells of one batch of users."""

    variant: Integers
    context: Integers
    users: Floats
    successes: Floats
    value_sums: Floats


class Ours:
    """The learner; each batch is a day and a policy version of its own."""

    name = "ours"
    rule: allocation.AllocationRule = "default"
    exploration_share = 0.01

    def __init__(self, problem: Problem, seed: int) -> None:
        self.kind, self.weights = problem.reward_kind, problem.outcome_weights
        self.rng = np.random.default_rng([seed, 77])
        self.seed = seed
        self.design = Design(
            _build_factors("factor", problem.factors),
            _build_factors("context", problem.contexts),
        )
        sizes = self.design.context_sizes
        levels = tuple(problem.context_levels.T)
        self.context_cells = (
            np.ravel_multi_index(levels, sizes) if sizes else np.zeros(1, int)
        )
        self.enabled = np.ones(self.design.variants, dtype=bool)
        self.table = allocation.build_uniform_table(
            self.design.context_cells, self.enabled
        )
        self.batches: list[Batch] = []
        self.posterior: FittedReward | None = None

    def assign(self, context: int, n: int) -> tuple[Integers, Floats]:
        """Draw variants and their propensities for n users of one context."""
        probabilities = self.table[self.context_cells[context]]
        picks = np.searchsorted(
            allocation.accumulate_probabilities(probabilities),
            self.rng.random(n),
            side="right",
        )
        return picks, probabilities[picks]

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats | None = None,
    ) -> None:
        """Count a batch, fit all batches so far, compile the next table."""
        del propensities
        cell = self.context_cells[contexts] * self.design.variants + variants
        size = cell.max() + 1
        filled = np.flatnonzero(cells.sum_by_index(cell, np.ones(len(cell)), size))
        sums = [
            cells.sum_by_index(cell, values, size)[filled]
            for values in self._list_summands(rewards)
        ]
        context, variant = np.divmod(filled, self.design.variants)
        value_sums = np.array(sums[2:]).reshape(-1, len(filled))
        self.batches.append(Batch(variant, context, sums[0], sums[1], value_sums))
        self.posterior = fit.fit_reward(self.design, self.build_cells()).reward
        compiled = allocation.compile_policy(
            self.posterior,
            self.enabled,
            rule=self.rule,
            exploration_share=self.exploration_share,
            seed=self.seed * 1000 + len(self.batches),
        )
        self.table = compiled.probabilities

    def _list_summands(self, values: Floats) -> list[Floats]:
        """Return what is summed over users: 1, success, and what the kind needs."""
        paid = (values > 0).astype(float)
        summands = [np.ones(len(values)), values if self.kind == "bool" else paid]
        if self.kind == "numeric":
            logs = np.log(np.where(values > 0, values, 1.0))
            return [*summands, values, values**2, logs, logs**2]
        if self.kind == "outcomes":
            return [*summands, *((values == weight) * 1.0 for weight in self.weights)]
        return summands

    def build_cells(self) -> TrainingCells:
        """Return all batches as training cells, one stratum each."""
        sizes = [len(batch.variant) for batch in self.batches]
        plain = TrainingCells(
            stratum=np.repeat(np.arange(len(sizes)), sizes),
            stratum_time=np.arange(len(sizes), dtype=float),
            variant=np.concatenate([batch.variant for batch in self.batches]),
            context=np.concatenate([batch.context for batch in self.batches]),
            users=np.concatenate([batch.users for batch in self.batches]),
            successes=np.concatenate([batch.successes for batch in self.batches]),
        )
        value_sums = np.concatenate(
            [batch.value_sums for batch in self.batches], axis=1
        )
        columns = {field.name: getattr(plain, field.name) for field in fields(plain)}
        if self.kind == "numeric":
            names = "value_sum", "value_sum_squares", "log_sum", "log_sum_squares"
            others = np.zeros_like(plain.users)
            sums = dict(zip(names, value_sums, strict=True))
            return AmountCells(**columns, **sums, others=others)
        if self.kind == "outcomes":
            keys = tuple(str(weight) for weight in self.weights)
            return OutcomeCells(
                **columns, counts=value_sums.T, keys=keys, weights=self.weights
            )
        return plain

    def intervals(self) -> tuple[Floats, Floats] | None:
        """Return the ends of 95% intervals [context, variant] of the current mean reward."""
        if self.posterior is None:
            return None
        if isinstance(self.posterior, Posterior):
            return self._compute_chance_intervals(self.posterior)
        variants, levels = np.arange(self.design.variants), self.design.context_levels
        ends = np.zeros((2, len(self.context_cells), self.design.variants))
        chunks = list(draw_chunks(self.posterior, DRAWS, self.seed, variants))
        for index, cell in enumerate(self.context_cells):
            rewards = [
                chunk.build_table().compute_reward(levels[cell]) for chunk in chunks
            ]
            ends[:, index] = np.quantile(
                np.concatenate(rewards), [0.025, 0.975], axis=0
            )
        return ends[0], ends[1]

    def _compute_chance_intervals(self, posterior: Posterior) -> tuple[Floats, Floats]:
        """Return the ends of the normal posterior of the log odds, as chances."""
        shape = len(self.context_cells), self.design.variants
        variant = np.tile(np.arange(shape[1]), shape[0])
        rows = self.design.rows(variant, np.repeat(self.context_cells, shape[1]))
        rows = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
        mean = rows @ posterior.mean
        variance = np.einsum("ij,ij->i", rows @ posterior.covariance, rows)
        half = NORMAL_97_5 * np.sqrt(variance)
        low, high = (1 / (1 + np.exp(-end)) for end in (mean - half, mean + half))
        return low.reshape(shape), high.reshape(shape)


class OursThompson(Ours):
    """The same model with plain Thompson sampling."""

    name = "ours_thompson"
    rule: allocation.AllocationRule = "thompson"


class OursWithoutExploration(Ours):
    """The default rule without its share of uniform traffic."""

    name = "ours_no_exploration"
    exploration_share = 0.0


def _build_factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"{kind} {index}", tuple(str(level) for level in range(size)))
        for index, size in enumerate(sizes)
    )


OUR_ENGINES = {
    engine.name: engine for engine in (Ours, OursThompson, OursWithoutExploration)
}

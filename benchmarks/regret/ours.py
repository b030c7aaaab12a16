"""Our engine behind the yardstick's interface: the product's own fit and policy."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models_app.bandit import cells, inference, policy
from models_app.bandit.cells import TrainingCells
from models_app.bandit.design import Design, Factor, Floats, Integers
from models_app.bandit.posterior import Posterior

NORMAL_97_5 = 1.959963984540054


class Problem(Protocol):
    """The public facts of a workload: sizes, and level indices of its cells."""

    factors: tuple[int, ...]
    contexts: tuple[int, ...]
    reward_kind: str
    context_levels: Integers


@dataclass(frozen=True, slots=True)
class Batch:
    """Non-empty cells of one batch of users."""

    variant: Integers
    context: Integers
    users: Floats
    successes: Floats


class Ours:
    """One batch is one day and one policy version; the table is redrawn after each."""

    name = "ours"
    rule: policy.Rule = "default"

    def __init__(self, problem: Problem, seed: int) -> None:
        if problem.reward_kind != "bool":
            raise ValueError(f"reward_kind: {problem.reward_kind} is not learnt yet")
        self.rng = np.random.default_rng([seed, 77])
        self.seed = seed
        self.design = Design(
            _factors("factor", problem.factors), _factors("context", problem.contexts)
        )
        sizes = self.design.context_sizes
        levels = tuple(problem.context_levels.T)
        self.segments = (
            np.ravel_multi_index(levels, sizes) if sizes else np.zeros(1, int)
        )
        self.enabled = np.ones(self.design.variants, dtype=bool)
        self.table = policy.uniform(self.design.segments, self.enabled)
        self.batches: list[Batch] = []
        self.posterior: Posterior | None = None

    def assign(self, context: int, n: int) -> tuple[Integers, Floats]:
        """Draw variants and their propensities for n users of one context."""
        row = self.table[self.segments[context]]
        drawn = self.rng.random(n)
        picks = np.searchsorted(policy.cumulative(row), drawn, side="right")
        return picks, row[picks]

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats | None = None,
    ) -> None:
        """Count a batch, fit everything seen so far, compile the next table."""
        del propensities
        cell = self.segments[contexts] * self.design.variants + variants
        size = cell.max() + 1
        users = cells.summed(cell, np.ones(len(cell)), size)
        successes = cells.summed(cell, rewards, size)
        seen = np.flatnonzero(users)
        context, variant = np.divmod(seen, self.design.variants)
        self.batches.append(Batch(variant, context, users[seen], successes[seen]))
        self.posterior = inference.fit(self.design, self.counts()).posterior
        compiled = policy.compile(
            self.posterior,
            self.enabled,
            rule=self.rule,
            seed=self.seed * 1000 + len(self.batches),
        )
        self.table = compiled.probabilities

    def counts(self) -> TrainingCells:
        """All batches as training cells, a stratum each."""
        sizes = [len(batch.variant) for batch in self.batches]
        return TrainingCells(
            stratum=np.repeat(np.arange(len(sizes)), sizes),
            stratum_time=np.arange(len(sizes), dtype=float),
            variant=np.concatenate([batch.variant for batch in self.batches]),
            context=np.concatenate([batch.context for batch in self.batches]),
            users=np.concatenate([batch.users for batch in self.batches]),
            successes=np.concatenate([batch.successes for batch in self.batches]),
        )

    def intervals(self) -> tuple[Floats, Floats] | None:
        """95% intervals [context, variant] of the mean reward now."""
        if self.posterior is None:
            return None
        shape = len(self.segments), self.design.variants
        variant = np.tile(np.arange(shape[1]), shape[0])
        rows = self.design.rows(variant, np.repeat(self.segments, shape[1]))
        rows = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
        mean = rows @ self.posterior.mean
        spread = np.einsum("ij,ij->i", rows @ self.posterior.covariance, rows)
        half = NORMAL_97_5 * np.sqrt(spread)
        low, high = (1 / (1 + np.exp(-end)) for end in (mean - half, mean + half))
        return low.reshape(shape), high.reshape(shape)


class OursThompson(Ours):
    """The same model with plain Thompson sampling."""

    name = "ours_thompson"
    rule: policy.Rule = "thompson"


def _factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"{kind} {index}", tuple(str(level) for level in range(size)))
        for index, size in enumerate(sizes)
    )


OUR_ENGINES = {engine.name: engine for engine in (Ours, OursThompson)}

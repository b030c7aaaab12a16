"""Our engine behind the yardstick's interface: the product's own fit and policy."""

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

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


class Problem(Protocol):
    """The public facts of a workload: sizes, and level indices of its cells."""

    factors: tuple[int, ...]
    contexts: tuple[int, ...]
    reward_kind: str
    outcome_weights: tuple[float, ...]
    context_levels: Integers


@dataclass(frozen=True, slots=True)
class Batch:
    """Non-empty cells of one batch of users."""

    variant: Integers
    context: Integers
    users: Floats
    successes: Floats
    more: Floats


class Ours:
    """One batch is one day and one policy version; the table is redrawn after each."""

    name = "ours"
    rule: allocation.AllocationRule = "default"
    exploration_share = 0.01

    def __init__(self, problem: Problem, seed: int) -> None:
        self.kind, self.weights = problem.reward_kind, problem.outcome_weights
        self.rng = np.random.default_rng([seed, 77])
        self.seed = seed
        self.design = Design(
            _make_factors("factor", problem.factors),
            _make_factors("context", problem.contexts),
        )
        sizes = self.design.context_sizes
        levels = tuple(problem.context_levels.T)
        self.segments = (
            np.ravel_multi_index(levels, sizes) if sizes else np.zeros(1, int)
        )
        self.enabled = np.ones(self.design.variants, dtype=bool)
        self.table = allocation.build_uniform_table(self.design.segments, self.enabled)
        self.batches: list[Batch] = []
        self.believed: FittedReward | None = None

    def assign(self, context: int, n: int) -> tuple[Integers, Floats]:
        """Draw variants and their propensities for n users of one context."""
        row = self.table[self.segments[context]]
        drawn = self.rng.random(n)
        picks = np.searchsorted(
            allocation.accumulate_probabilities(row), drawn, side="right"
        )
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
        seen = np.flatnonzero(cells.sum_by_index(cell, np.ones(len(cell)), size))
        sums = [
            cells.sum_by_index(cell, each, size)[seen] for each in self._each(rewards)
        ]
        context, variant = np.divmod(seen, self.design.variants)
        more = np.array(sums[2:]).reshape(-1, len(seen))
        self.batches.append(Batch(variant, context, sums[0], sums[1], more))
        self.believed = fit.fit_reward(self.design, self.counts()).reward
        compiled = allocation.compile_policy(
            self.believed,
            self.enabled,
            rule=self.rule,
            exploration_share=self.exploration_share,
            seed=self.seed * 1000 + len(self.batches),
        )
        self.table = compiled.probabilities

    def _each(self, values: Floats) -> list[Floats]:
        """Return what is summed over users: one, success, and what the kind needs."""
        paid = (values > 0).astype(float)
        found = [np.ones(len(values)), values if self.kind == "bool" else paid]
        if self.kind == "numeric":
            logs = np.log(np.where(values > 0, values, 1.0))
            return [*found, values, values**2, logs, logs**2]
        if self.kind == "outcomes":
            return [*found, *((values == weight) * 1.0 for weight in self.weights)]
        return found

    def counts(self) -> TrainingCells:
        """All batches as training cells, a stratum each."""
        sizes = [len(batch.variant) for batch in self.batches]
        plain = TrainingCells(
            stratum=np.repeat(np.arange(len(sizes)), sizes),
            stratum_time=np.arange(len(sizes), dtype=float),
            variant=np.concatenate([batch.variant for batch in self.batches]),
            context=np.concatenate([batch.context for batch in self.batches]),
            users=np.concatenate([batch.users for batch in self.batches]),
            successes=np.concatenate([batch.successes for batch in self.batches]),
        )
        more = np.concatenate([batch.more for batch in self.batches], axis=1)
        given = {field.name: getattr(plain, field.name) for field in fields(plain)}
        if self.kind == "numeric":
            names = "value_sum", "value_sum_squares", "log_sum", "log_sum_squares"
            others = np.zeros_like(plain.users)
            sums = dict(zip(names, more, strict=True))
            return AmountCells(**given, **sums, others=others)
        if self.kind == "outcomes":
            keys = tuple(str(weight) for weight in self.weights)
            return OutcomeCells(**given, counts=more.T, keys=keys, weights=self.weights)
        return plain

    def intervals(self) -> tuple[Floats, Floats] | None:
        """95% intervals [context, variant] of the mean reward now."""
        if self.believed is None:
            return None
        if isinstance(self.believed, Posterior):
            return self._normal(self.believed)
        everyone, levels = np.arange(self.design.variants), self.design.context_levels
        ends = np.zeros((2, len(self.segments), self.design.variants))
        drawn = list(draw_chunks(self.believed, DRAWS, self.seed, everyone))
        for index, segment in enumerate(self.segments):
            each = [chunk.table().reward(levels[segment]) for chunk in drawn]
            ends[:, index] = np.quantile(np.concatenate(each), [0.025, 0.975], axis=0)
        return ends[0], ends[1]

    def _normal(self, posterior: Posterior) -> tuple[Floats, Floats]:
        """Ends of the normal posterior of the log odds, as chances."""
        shape = len(self.segments), self.design.variants
        variant = np.tile(np.arange(shape[1]), shape[0])
        rows = self.design.rows(variant, np.repeat(self.segments, shape[1]))
        rows = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
        mean = rows @ posterior.mean
        spread = np.einsum("ij,ij->i", rows @ posterior.covariance, rows)
        half = NORMAL_97_5 * np.sqrt(spread)
        low, high = (1 / (1 + np.exp(-end)) for end in (mean - half, mean + half))
        return low.reshape(shape), high.reshape(shape)


class OursThompson(Ours):
    """The same model with plain Thompson sampling."""

    name = "ours_thompson"
    rule: allocation.AllocationRule = "thompson"


class OursWithoutExploration(Ours):
    """The default rule without the share of traffic that is spread evenly."""

    name = "ours_no_exploration"
    exploration_share = 0.0


def _make_factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f"{kind} {index}", tuple(str(level) for level in range(size)))
        for index, size in enumerate(sizes)
    )


OUR_ENGINES = {
    engine.name: engine for engine in (Ours, OursThompson, OursWithoutExploration)
}

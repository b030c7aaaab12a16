"""Interface of an engine, and what it knows of a workload: nothing of the truth."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.regret.workloads import Workload, build_grid
from models_app.bandit.design.design import Floats, Integers


@dataclass(slots=True)
class Problem:
    """The public facts of a workload.

    `levels` [V, factors] and `context_levels` [S, contexts] are the level indices of
    variants and of context cells.
    """

    factors: tuple[int, ...]
    contexts: tuple[int, ...]
    reward_kind: str
    outcome_weights: tuple[float, ...]
    batch_size: int
    batches: int
    levels: Integers = field(init=False)
    context_levels: Integers = field(init=False)

    def __post_init__(self) -> None:
        """Enumerate variants and context cells."""
        self.levels = build_grid(self.factors)
        self.context_levels = build_grid(self.contexts)

    @classmethod
    def from_workload(cls, workload: Workload) -> "Problem":
        """Return the public facts of a workload."""
        return cls(
            workload.factors,
            workload.contexts,
            workload.reward_kind,
            workload.outcome_weights,
            workload.users // workload.batches,
            workload.batches,
        )

    @property
    def variants(self) -> int:
        return len(self.levels)

    @property
    def segments(self) -> int:
        return len(self.context_levels)

    def build_context_features(self) -> Floats:
        """Return an intercept and one column per context level for each context cell."""
        columns = [np.ones(self.segments)]
        for context, size in enumerate(self.contexts):
            levels = self.context_levels[:, context]
            columns += [(levels == level).astype(np.float64) for level in range(size)]
        return np.array(columns).T


class Engine(Protocol):
    """Decides for users and learns from batches; constructed from (problem, seed)."""

    name: str

    def __init__(self, problem: Problem, seed: int) -> None: ...

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Return variants [n] for users of one context cell, and propensities if known."""

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Learn from the users [n] of a finished batch."""

    def intervals(self) -> tuple[Floats, Floats] | None:
        """Return the ends [S, V] of 95% intervals of the current mean reward, or None."""

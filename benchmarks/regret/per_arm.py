"""Adapter for libraries that fit one model per variant to context features."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np

from benchmarks.regret.problem import Problem
from models_app.bandit.design.design import Floats, Integers

# Decisions that the library makes for a batch, divided among the context cells.
DECISIONS = 240
DECISIONS_WITHOUT_CONTEXT, MIN_DECISIONS = 100, 16


class Policy(Protocol):
    """A library's model."""

    def decide(self, features: Floats) -> Integers:
        """Return one variant for each row."""

    def learn(self, features: Floats, variants: Integers, rewards: Floats) -> None:
        """Learn from one row per user."""


class PerArm(ABC):
    """Asks the library for some decisions per batch and context cell.

    Users get one of them at random. So each user's decision has exactly the library's
    distribution, but users of one batch are more correlated than with the library alone.
    """

    name: str
    # The library takes only 0 and 1: it learns who converted, and not for how much.
    paid_only: ClassVar[bool] = False

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
        self.rng = np.random.default_rng([seed, 77])
        self.features = problem.build_context_features()
        self.decisions = DECISIONS_WITHOUT_CONTEXT
        if problem.segments > 1:
            self.decisions = max(MIN_DECISIONS, DECISIONS // problem.segments)
        self.policy = self.build_policy(self.features.shape[1], problem.variants)

    @abstractmethod
    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Ask for up to `decisions` variants and give each user one of them."""
        decisions = min(n, self.decisions)
        rows = np.repeat(self.features[context : context + 1], decisions, 0)
        picks = np.asarray(self.policy.decide(rows))
        if n > decisions:
            picks = picks[self.rng.integers(0, decisions, n)]
        return picks, None

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Let the library learn from a batch."""
        del propensities
        if self.paid_only:
            rewards = (rewards > 0).astype(np.float64)
        self.policy.learn(self.features[contexts], variants, rewards)

    def intervals(self) -> tuple[Floats, Floats] | None:
        """Return None: these libraries have no intervals."""
        return None

    @property
    def library_seed(self) -> int:
        """A seed that fits into 31 bits."""
        return self.seed % 2**31

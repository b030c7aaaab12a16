"""Adapter for libraries that keep one model per variant over context features."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np

from benchmarks.regret.problem import Problem
from models_app.bandit.design.design import Floats, Integers

DECISIONS = 240
"""Decisions of a batch asked of the library, shared by the context cells."""

DECISIONS_WITHOUT_CONTEXT, FEWEST_DECISIONS = 100, 16


class Policy(Protocol):
    """A library's model behind two verbs."""

    def decide(self, features: Floats) -> Integers:
        """One variant for each row."""

    def learn(self, features: Floats, variants: Integers, rewards: Floats) -> None:
        """Learn from one row per user."""


class PerArm(ABC):
    """Asks the library for some decisions per batch and context cell.

    Its users are spread over them at random: each user's decision keeps exactly the
    library's distribution, only users of one batch hang together more than they would.
    """

    name: str
    paid_only: ClassVar[bool] = False
    """The library takes 0 and 1 alone: it is told who converted, not for how much."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed = problem, seed
        self.rng = np.random.default_rng([seed, 77])
        self.features = problem.context_features()
        self.decisions = DECISIONS_WITHOUT_CONTEXT
        if problem.segments > 1:
            self.decisions = max(FEWEST_DECISIONS, DECISIONS // problem.segments)
        self.policy = self.make(self.features.shape[1], problem.variants)

    @abstractmethod
    def make(self, columns: int, variants: int) -> Policy:
        """Make the library's model."""

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Ask for up to `decisions` variants and spread n users over them."""
        asked = min(n, self.decisions)
        rows = np.repeat(self.features[context : context + 1], asked, 0)
        picks = np.asarray(self.policy.decide(rows))
        return (picks[self.rng.integers(0, asked, n)] if n > asked else picks), None

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Hand a batch to the library."""
        del propensities
        if self.paid_only:
            rewards = (rewards > 0).astype(np.float64)
        self.policy.learn(self.features[contexts], variants, rewards)

    def intervals(self) -> tuple[Floats, Floats] | None:
        """Tell nothing: these libraries give none."""
        return None

    @property
    def library_seed(self) -> int:
        """A seed that fits 31 bits."""
        return self.seed % 2**31

"""mabwiser: Thompson sampling and UCB1 without context, LinTS and LinUCB with it."""

from typing import ClassVar

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

from benchmarks.regret.per_arm import PerArm, Policy
from benchmarks.regret.problem import Problem
from models_app.bandit.design.design import Floats, Integers

DECISIONS = 100


class Linear:
    """A linear policy; decides at random until it has seen a batch."""

    def __init__(self, policy: object, variants: int, seed: int) -> None:
        self.mab = MAB(list(range(variants)), policy, seed=seed)
        self.variants, self.fitted = variants, False
        self.rng = np.random.default_rng(seed)

    def decide(self, features: Floats) -> Integers:
        """Return one variant for each row."""
        if not self.fitted:
            return self.rng.integers(0, self.variants, len(features))
        return np.atleast_1d(self.mab.predict(features))

    def learn(self, features: Floats, variants: Integers, rewards: Floats) -> None:
        """Learn from one row per user."""
        learn = self.mab.partial_fit if self.fitted else self.mab.fit
        learn(variants, rewards, features)
        self.fitted = True


class LinTS(PerArm):
    """As shipped."""

    name = "mabwiser_lints"
    build_learning_policy: ClassVar = staticmethod(
        lambda: LearningPolicy.LinTS(alpha=1.0)
    )

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""
        del columns
        return Linear(self.build_learning_policy(), variants, self.library_seed)


class LinTSTuned(LinTS):
    """With less exploration, which suits rates of a few percent."""

    name = "mabwiser_lints_a0.2"
    build_learning_policy: ClassVar = staticmethod(
        lambda: LearningPolicy.LinTS(alpha=0.2)
    )


class LinUCB(LinTS):
    """Upper confidence bounds, also with less exploration."""

    name = "mabwiser_linucb_a0.2"
    build_learning_policy: ClassVar = staticmethod(
        lambda: LearningPolicy.LinUCB(alpha=0.2)
    )


class Thompson:
    """Takes only 0 and 1, so it optimizes conversions for every kind of reward."""

    name = "mabwiser_ts"
    paid_only = True
    decisions = DECISIONS
    build_learning_policy: ClassVar = staticmethod(LearningPolicy.ThompsonSampling)

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.rng = np.random.default_rng([seed, 77])
        arms = list(range(problem.variants))
        self.mab = MAB(arms, self.build_learning_policy(), seed=seed % 2**31)
        self.fitted = False

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Ask for some decisions and give each user one of them."""
        del context
        if not self.fitted:
            return self.rng.integers(0, self.problem.variants, n), None
        decisions = min(n, self.decisions)
        picks = np.array([self.mab.predict() for _ in range(decisions)])
        return picks[self.rng.integers(0, decisions, n)], None

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Let the library learn from a batch."""
        del contexts, propensities
        if self.paid_only and self.problem.reward_kind != "bool":
            rewards = (rewards > 0).astype(np.float64)
        (self.mab.partial_fit if self.fitted else self.mab.fit)(variants, rewards)
        self.fitted = True

    def intervals(self) -> None:
        """Return None: the library has no intervals."""


class UCB1(Thompson):
    """Deterministic between fits: a whole batch gets one variant."""

    name = "mabwiser_ucb1"
    paid_only = False
    decisions = 1
    build_learning_policy: ClassVar = staticmethod(
        lambda: LearningPolicy.UCB1(alpha=1.0)
    )


ENGINES = {
    engine.name: engine for engine in (Thompson, UCB1, LinTS, LinTSTuned, LinUCB)
}

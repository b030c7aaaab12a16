"""The naive engine: scikit-learn's regression on the design's columns, epsilon-greedy."""

from collections.abc import Iterable
from itertools import combinations, product

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from benchmarks.regret.problem import Problem
from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers

EPSILON = 0.1


class EpsilonGreedy:
    """Serves the variant with the highest prediction, and any variant to EPSILON."""

    name = "sklearn_lr_egreedy"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.rng = np.random.default_rng([seed, 77])
        self.features = build_columns(problem)
        self.users, self.total, self.paid = np.zeros((3, len(self.features)))
        self.score = np.zeros((problem.segments, problem.variants))

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw one of the best variants for the whole batch; EPSILON of users explore."""
        score, variants = self.score[context], self.problem.variants
        best = self.rng.choice(np.flatnonzero(score >= score.max() - 1e-12))
        explores = self.rng.random(n) < EPSILON
        random_variants = self.rng.integers(0, variants, n)
        return np.where(explores, random_variants, best), None

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Add a batch to the counts and fit all of them."""
        del propensities
        cell, size = contexts * self.problem.variants + variants, len(self.users)
        self.users += sum_by_index(cell, np.ones_like(rewards), size)
        self.total += sum_by_index(cell, rewards, size)
        self.paid += sum_by_index(cell, (rewards > 0).astype(np.float64), size)
        is_binary = self.problem.reward_kind == "bool"
        score = self._fit_log_odds() if is_binary else self._fit_means()
        if score is not None:
            self.score = score.reshape(self.score.shape)

    def intervals(self) -> None:
        """Return None: there are no intervals."""

    def _fit_log_odds(self) -> Floats | None:
        """Return fitted log odds, or None unless both outcomes have occurred."""
        counts = np.concatenate([self.paid, self.users - self.paid])
        filled = counts > 0
        if not 0 < self.paid.sum() < self.users.sum():
            return None
        converted = np.repeat([1.0, 0.0], len(self.users))
        model = LogisticRegression(max_iter=200)
        features = np.concatenate([self.features, self.features])
        model.fit(features[filled], converted[filled], sample_weight=counts[filled])
        return np.asarray(model.decision_function(self.features))

    def _fit_means(self) -> Floats:
        filled = self.users > 0
        users, features = self.users[filled], self.features[filled]
        means = self.total[filled] / users
        model = Ridge(alpha=1.0).fit(features, means, sample_weight=users)
        return np.asarray(model.predict(self.features))


def build_columns(problem: Problem) -> Floats:
    """Return one-hot rows [S·V, ·].

    Columns: design levels and their pairs, context levels and their pairs, and pairs of
    a design level and a context level.
    """
    context = np.repeat(np.arange(problem.segments), problem.variants)
    variant = np.tile(np.arange(problem.variants), problem.segments)
    design = _encode_one_hot(problem.levels[variant], problem.factors)
    contexts = _encode_one_hot(problem.context_levels[context], problem.contexts)
    blocks = [
        *(design + _cross_blocks(combinations(design, 2))),
        *(contexts + _cross_blocks(combinations(contexts, 2))),
        *_cross_blocks(product(design, contexts)),
    ]
    return np.concatenate(blocks, axis=1)


def _cross_blocks(pairs: Iterable[tuple[Floats, Floats]]) -> list[Floats]:
    """Return a block of products for each pair of blocks."""
    products = (a[:, :, None] * b[:, None, :] for a, b in pairs)
    return [block.reshape(len(block), -1) for block in products]


def _encode_one_hot(levels: Integers, sizes: tuple[int, ...]) -> list[Floats]:
    """Return a block [n, size] of indicators for each factor."""
    return [
        (levels[:, [factor]] == np.arange(size)).astype(np.float64)
        for factor, size in enumerate(sizes)
    ]


ENGINES = {EpsilonGreedy.name: EpsilonGreedy}

"""Reward posteriors for tests: arbitrary ones, and draws of rewards from any."""

import numpy as np

from models_app.bandit.design.design import Floats
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import RewardModelKind, RewardPosterior
from tests.support import bandit_worlds


def make_part(
    sizes: tuple[int, ...], contexts: tuple[int, ...] = (), seed: int = 0
) -> Posterior:
    """Return a posterior with arbitrary mean and covariance."""
    design = bandit_worlds.make_design(sizes, contexts)
    rng = np.random.default_rng(seed)
    size = 1 + design.columns
    half = rng.normal(0, 0.3 / np.sqrt(size), (size, size))
    return Posterior(design, rng.normal(0, 0.3, size), half @ half.T)


def make_reward_posterior(
    kind: RewardModelKind,
    sizes: tuple[int, ...] = (3, 2),
    contexts: tuple[int, ...] = (2, 1),
) -> RewardPosterior:
    """Return an arbitrary reward posterior of a kind; outcomes have three weights."""
    count = {"chance": 1, "mean": 1, "hurdle": 2, "outcomes": 3}[kind]
    parts = tuple(make_part(sizes, contexts, seed) for seed in range(count))
    names = tuple(f"part {index}" for index in range(count))
    weights = (5.0, 2.0, -1.0) if kind == "outcomes" else ()
    return RewardPosterior(kind, parts, names, weights, smearing=(0.4, 0.05))


def draw_rewards(posterior: RewardPosterior) -> Floats:
    """Return draws [4000, V] of rewards in the only cell of a design without contexts."""
    variants = np.arange(posterior.design.variants)
    no_levels = np.zeros(0, dtype=np.int64)
    chunks = reward_model.draw_chunks(posterior, 4000, 0, variants)
    return np.concatenate(
        [chunk.build_table().compute_reward(no_levels) for chunk in chunks]
    )

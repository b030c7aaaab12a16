"""The simulated workloads: designs, contexts, rewards and sizes, without randomness."""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

import numpy as np

from models_app.bandit.design.design import Integers

RewardKind = Literal["bool", "numeric", "outcomes"]


def build_grid(sizes: tuple[int, ...]) -> Integers:
    """Return all combinations [·, factors] of level indices, the last varying fastest."""
    cells = list(product(*(range(size) for size in sizes)))
    return np.array(cells, dtype=np.int64).reshape(len(cells), len(sizes))


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of traffic; `worlds.World` draws a world of it from a seed.

    Effects are normal, in log odds; `*_sd` are their standard deviations.

    Parameters
    ----------
    factors, contexts: number of levels of each design and each context factor.
    interactions: how many pairs of design levels deviate from the sum of their parts.
    context_sd: effect of a context level on all variants alike.
    personal_sd: effect of a context level on one design level.
    share_of_segments_differing: worlds are drawn until this share of context cells has
        another best variant than the rest; None accepts any world.
    amount_*: log-normal amounts of the users who convert.
    outcome_weights: of a basic and of a better conversion.
    better_share: share of conversions that are better ones.
    drift_end: relative change of the base rate over the run.
    flip_half_way: the first interaction changes its sign half-way.

    """

    name: str
    title: str
    factors: tuple[int, ...]
    contexts: tuple[int, ...] = ()
    users: int = 100_000
    batches: int = 50
    reward_kind: RewardKind = "bool"
    base_rate: float = 0.05
    main_sd: float = 0.15
    interactions: int = 2
    interaction_sd: float = 0.25
    context_sd: float = 0.0
    personal_sd: float = 0.0
    share_of_segments_differing: float | None = None
    amount_sd: float = 0.0
    amount_log_mean: float = 3.4
    amount_log_sd: float = 1.2
    better_share: float = 0.25
    outcome_weights: tuple[float, float] = (1.0, 3.0)
    drift_end: float = 0.0
    flip_half_way: bool = False

    @property
    def variants(self) -> int:
        return prod(self.factors)

    @property
    def segments(self) -> int:
        """Number of context cells; 1 without contexts."""
        return prod(self.contexts)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "hero page", (3, 3, 2)),
        Workload(
            "W2",
            "big design",
            (4, 4, 3, 2),
            users=200_000,
            base_rate=0.03,
            interactions=6,
            interaction_sd=0.3,
        ),
        Workload(
            "W3",
            "personalization",
            (3, 2, 2),
            (3, 4),
            users=200_000,
            interactions=1,
            context_sd=0.3,
            personal_sd=0.12,
            share_of_segments_differing=1 / 3,
        ),
        Workload(
            "W4",
            "revenue",
            (4, 2),
            users=200_000,
            reward_kind="numeric",
            base_rate=0.04,
            interactions=1,
            amount_sd=0.10,
        ),
        Workload("W5", "drift", (3, 3, 2), drift_end=0.4, flip_half_way=True),
        Workload(
            "W7",
            "weighted outcomes",
            (3, 2, 2),
            reward_kind="outcomes",
            interactions=1,
        ),
    )
}

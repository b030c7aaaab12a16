"""Sums of drawn rewards over context cells, by how users are spread and served.

Shapes: V variants, S context cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy.allocation import CompiledPolicy


@dataclass(frozen=True, slots=True)
class UserMix:
    """How users are spread over context cells, and groups of users to add rewards up for.

    Attributes
    ----------
    shares: [S] of users in each context cell.
    groups: [S, V, G] users of G groups; see even_split.
    odds: [K] how many times as high the odds of chances are when groups are added up.
        Only 1 where rewards are no chances.

    """

    shares: Floats
    groups: Floats
    odds: Floats


@dataclass(frozen=True, slots=True)
class TrafficMix:
    """How users are spread over context cells, and how they are served.

    Attributes
    ----------
    design: of the fitted reward.
    compiled_policy: the current allocation.
    leading_table: [S, V] the allocation after shipping.
    users: how they are spread.
    enabled: [V] whether a variant may be served.
    sign: 1 if a high reward is good, -1 if a low one is.

    """

    design: Design
    compiled_policy: CompiledPolicy
    leading_table: Floats
    users: UserMix
    enabled: NDArray[np.bool_]
    sign: float

    @property
    def shares(self) -> Floats:
        """Shares [S] of users in each context cell."""
        return self.users.shares

    def list_cell_indices(self) -> NDArray[np.intp]:
        """Return the indices of the context cells with users."""
        return np.flatnonzero(self.shares)


@dataclass(frozen=True, slots=True)
class DrawSums:
    """Sums over context cells, weighted by each cell's share of users.

    `reward`, `policy_reward`, `leading_reward`, `best_reward` and `uniform_reward` are
    as in RewardDraws, and so is `group_reward` [K, draws, G]. `level_reward` [·, draws, V], `level_policy_reward` and `level_leading_reward`
    [·, draws] are those of the `seen_levels`, which are pairs of context factor and level,
    by index.
    """

    reward: Floats
    policy_reward: Floats
    leading_reward: Floats
    best_reward: Floats
    uniform_reward: Floats
    group_reward: Floats
    seen_levels: list[tuple[int, int]]
    level_reward: Floats
    level_policy_reward: Floats
    level_leading_reward: Floats

    @classmethod
    def create(
        cls,
        draws: int,
        variants: int,
        groups: int,
        odds: int,
        seen_levels: list[tuple[int, int]],
    ) -> "DrawSums":
        """Return sums of nothing yet."""
        level_count = len(seen_levels)
        return cls(
            reward=np.zeros((draws, variants)),
            policy_reward=np.zeros(draws),
            leading_reward=np.zeros(draws),
            best_reward=np.zeros(draws),
            uniform_reward=np.zeros(draws),
            group_reward=np.zeros((odds, draws, groups)),
            seen_levels=seen_levels,
            level_reward=np.zeros((level_count, draws, variants)),
            level_policy_reward=np.zeros((level_count, draws)),
            level_leading_reward=np.zeros((level_count, draws)),
        )

    def add(
        self, rows: slice, mix: TrafficMix, cell_index: int, reward: Floats
    ) -> None:
        """Add rewards [draws, V] of a context cell, times its share of users."""
        levels = mix.design.context_levels[cell_index]
        policy_reward = reward @ mix.compiled_policy.probabilities[cell_index]
        leading_reward = reward @ mix.leading_table[cell_index]
        self.reward[rows] += reward
        self.policy_reward[rows] += policy_reward
        self.leading_reward[rows] += leading_reward
        for index, (context_index, level_index) in enumerate(self.seen_levels):
            if levels[context_index] == level_index:
                self.level_reward[index, rows] += reward
                self.level_policy_reward[index, rows] += policy_reward
                self.level_leading_reward[index, rows] += leading_reward

    def add_best_and_uniform(self, rows: slice, reward: Floats, sign: float) -> None:
        """Add the best and the average of rewards [draws, ·] of enabled variants."""
        self.best_reward[rows] += sign * (sign * reward).max(axis=1)
        self.uniform_reward[rows] += reward.mean(axis=1)

    def add_groups(
        self, rows: slice, mix: TrafficMix, cell_index: int, reward: Floats
    ) -> None:
        """Add what the groups earn in a context cell; `reward` is [draws, V] a user."""
        for sums, odds in zip(self.group_reward, mix.users.odds, strict=True):
            inverse = 1 / odds
            shifted = reward / (inverse + (1 - inverse) * reward)
            sums[rows] += (shifted if odds != 1 else reward) @ mix.users.groups[
                cell_index
            ]

"""Posterior draws of rewards, summed over context cells in bounded memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.report.baseline import BaselineAccumulator, BaselineReward
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import FittedReward

MAX_DRAWS, MIN_DRAWS = 4000, 500
MAX_REWARDS, MAX_STORED_REWARDS = 200_000_000, 20_000_000
"""Limits of the rewards computed for one report, and of those in memory at a time.
Beyond either, there are fewer draws."""


@dataclass(frozen=True, slots=True)
class PosteriorEstimate:
    """Posterior mean and central 95% interval."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class LevelDraws:
    """Draws for users with one level of a context factor.

    Parameters
    ----------
    context, level: indices of the context factor and the level.
    share: of all users.
    reward: [draws, V] of each variant.
    weight: [V] each variant's share of the allocation.
    policy: [draws] reward of the current allocation.

    """

    context: int
    level: int
    share: float
    reward: Floats
    weight: Floats
    policy: Floats


@dataclass(frozen=True, slots=True)
class RewardDraws:
    """Rewards by posterior draw, averaged over the mix of contexts.

    Parameters
    ----------
    reward: [draws, V] of each variant served to everyone.
    weight: [V] each variant's share of the optimized arm.
    policy: [draws] of the current allocation.
    best: [draws] of each context's best enabled variant.
    uniform: [draws] of even allocation over the enabled variants.
    levels: draws for each context level that users were seen with.
    baselines: the baseline by context cell.

    """

    reward: Floats
    weight: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    levels: tuple[LevelDraws, ...]
    baselines: BaselineReward


def summarize_draws(values: Floats) -> PosteriorEstimate:
    """Return mean and 95% interval of the draws of one figure."""
    lo, hi = np.quantile(values, [0.025, 0.975])
    return PosteriorEstimate(float(values.mean()), float(lo), float(hi))


def compute_context_mix(design: Design, cells: TrainingCells) -> Floats:
    """Return the share [S] of users in each context cell.

    Without users, it is even over the cells of named levels.
    """
    seen = cells.users if cells.seen is None else cells.seen
    users = sum_by_index(cells.context, seen, design.segments)
    if users.sum() <= 0:
        level_counts = np.array([len(context.levels) for context in design.contexts])
        is_named = np.all(design.context_levels < level_counts, axis=1)
        users = np.asarray(is_named, dtype=np.float64)
    return np.asarray(users / users.sum())


def draw_rewards(
    posterior: FittedReward,
    compiled: CompiledPolicy,
    shares: Floats,
    enabled: NDArray[np.bool_],
    seed: int,
    sign: float = 1.0,
) -> RewardDraws:
    """Draw rewards over a mix of contexts with `shares` [S].

    `enabled` is [V]. The highest reward is best if `sign` is 1, the lowest if it is -1.
    """
    design, variants = posterior.design, np.arange(posterior.design.variants)
    segments, seen_levels = np.flatnonzero(shares), _list_seen_levels(design, shares)
    draw_count = _choose_draw_count(design, len(segments), len(seen_levels))
    sums = _DrawSums.create(draw_count, design.variants, seen_levels)
    baseline = BaselineAccumulator.create(design, shares, draw_count)
    start = 0
    for chunk in reward_model.draw_chunks(posterior, draw_count, seed, variants):
        rows = slice(start, start + len(chunk))
        table = chunk.table(special.expit)
        baseline_rewards = np.empty((len(segments), len(chunk)))
        for index, segment in enumerate(segments):
            levels = design.context_levels[segment]
            reward = table.reward(levels)
            baseline_rewards[index] = reward[:, 0]
            reward *= shares[segment]
            policy = reward @ compiled.probabilities[segment]
            sums.add(rows, levels, reward, policy)
            sums.add_best_and_uniform(rows, reward[:, enabled], sign)
        baseline.add(rows, segments, baseline_rewards)
        start = rows.stop
    return RewardDraws(
        reward=sums.reward,
        weight=shares @ compiled.probabilities,
        policy=sums.policy,
        best=sums.best,
        uniform=sums.uniform,
        levels=_build_level_draws(design, compiled, shares, sums),
        baselines=baseline.summarize(),
    )


@dataclass(frozen=True, slots=True)
class _DrawSums:
    """Sums over context cells, each times its share of users.

    `reward`, `policy`, `best` and `uniform` are as in RewardDraws. `level_reward`
    [·, draws, V] and `level_policy` [·, draws] are those of the `seen_levels`, which
    are pairs of context factor and level.
    """

    reward: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    seen_levels: list[tuple[int, int]]
    level_reward: Floats
    level_policy: Floats

    @classmethod
    def create(
        cls, draws: int, variants: int, seen_levels: list[tuple[int, int]]
    ) -> "_DrawSums":
        count = len(seen_levels)
        return cls(
            reward=np.zeros((draws, variants)),
            policy=np.zeros(draws),
            best=np.zeros(draws),
            uniform=np.zeros(draws),
            seen_levels=seen_levels,
            level_reward=np.zeros((count, draws, variants)),
            level_policy=np.zeros((count, draws)),
        )

    def add(
        self, rows: slice, levels: Integers, reward: Floats, policy: Floats
    ) -> None:
        """Add rewards [draws, V] of the context cell with these levels.

        `policy` [draws] is the reward of the allocation there. Both are already
        multiplied by the cell's share of users.
        """
        self.reward[rows] += reward
        self.policy[rows] += policy
        for index, (context, level) in enumerate(self.seen_levels):
            if levels[context] == level:
                self.level_reward[index, rows] += reward
                self.level_policy[index, rows] += policy

    def add_best_and_uniform(self, rows: slice, reward: Floats, sign: float) -> None:
        """Add the best and the average of rewards [draws, ·] of enabled variants."""
        self.best[rows] += sign * (sign * reward).max(axis=1)
        self.uniform[rows] += reward.mean(axis=1)


def _list_seen_levels(design: Design, shares: Floats) -> list[tuple[int, int]]:
    """Return pairs of context factor and level for all levels of users seen."""
    seen = design.context_levels[shares > 0]
    return [
        (context, int(level))
        for context in range(len(design.contexts))
        for level in np.unique(seen[:, context])
    ]


def _choose_draw_count(design: Design, segments: int, seen_levels: int) -> int:
    by_work = MAX_REWARDS // (design.variants * segments)
    by_memory = MAX_STORED_REWARDS // (design.variants * (seen_levels + 1))
    return max(MIN_DRAWS, min(MAX_DRAWS, by_work, by_memory))


def _build_level_draws(
    design: Design, compiled: CompiledPolicy, shares: Floats, sums: _DrawSums
) -> tuple[LevelDraws, ...]:
    level_draws = []
    for index, (context, level) in enumerate(sums.seen_levels):
        within = shares * (design.context_levels[:, context] == level)
        share = float(within.sum())
        level_draws.append(
            LevelDraws(
                context=context,
                level=level,
                share=share,
                reward=sums.level_reward[index] / share,
                weight=within @ compiled.probabilities / share,
                policy=sums.level_policy[index] / share,
            )
        )
    return tuple(level_draws)

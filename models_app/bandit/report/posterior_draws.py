"""Posterior draws of rewards, summed over context cells in bounded memory.

Shapes: V variants, S context cells.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.policy import leading
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.report.baseline import BaselineAccumulator, BaselineReward
from models_app.bandit.report.draw_sums import DrawSums, TrafficMix, UserMix
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.reward_model import DrawChunk, FittedReward

MAX_DRAWS, MIN_DRAWS = 4000, 500
# Limits of the rewards computed for one report, and of those in memory at a time.
# Beyond either, there are fewer draws.
MAX_REWARDS, MAX_STORED_REWARDS = 200_000_000, 20_000_000


@dataclass(frozen=True, slots=True)
class PosteriorEstimate:
    """Posterior mean and central 95% interval."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class LevelDraws:
    """Draws for users with one level of a context factor.

    Attributes
    ----------
    context_index, level_index: of the context factor and the level.
    share: of all users, those with this level.
    reward: [draws, V] if everyone gets the variant.
    weight: [V] share of traffic.
    policy_reward: [draws] under the current allocation.
    leading_reward: [draws] if every context cell gets its leading variant.

    """

    context_index: int
    level_index: int
    share: float
    reward: Floats
    weight: Floats
    policy_reward: Floats
    leading_reward: Floats


@dataclass(frozen=True, slots=True)
class RewardDraws:
    """Rewards by posterior draw, averaged over the mix of context cells.

    Attributes
    ----------
    reward: [draws, V] if everyone gets the variant.
    weight: [V] share of traffic in the optimized arm.
    policy_reward: [draws] under the current allocation.
    best_reward: [draws] if every context cell gets its best enabled variant.
    uniform_reward: [draws] under even allocation to the enabled variants.
    levels: draws for each context level that users were seen with.
    baselines: the baseline's reward by context cell.
    group_reward: [K, draws, G] of all users of a group together, at each of the odds
        of UserMix.
    leading_reward: [draws] if every context cell gets its leading variant, as after
        shipping.

    """

    reward: Floats
    weight: Floats
    policy_reward: Floats
    best_reward: Floats
    uniform_reward: Floats
    levels: tuple[LevelDraws, ...]
    baselines: BaselineReward
    group_reward: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))
    leading_reward: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True)
class LiftEstimate(PosteriorEstimate):
    """A lift in percent: its median is shown, because a ratio has a skewed posterior.

    The mean of a ratio is above zero even where nothing was learned.
    """

    median: float


def summarize_lift(percent: Floats) -> LiftEstimate:
    """Return mean, 95% interval and median of the draws of a lift."""
    lo, median, hi = np.quantile(percent, [0.025, 0.5, 0.975])
    return LiftEstimate(float(percent.mean()), float(lo), float(hi), float(median))


def summarize_draws(values: Floats) -> PosteriorEstimate:
    """Return mean and 95% interval of the draws of one figure."""
    lo, hi = np.quantile(values, [0.025, 0.975])
    return PosteriorEstimate(float(values.mean()), float(lo), float(hi))


@dataclass(frozen=True, slots=True)
class CountedUsers:
    """All users, of any age, by context cell [S] and by variant [V]."""

    by_context: Floats
    by_variant: Floats


def compute_context_mix(
    design: Design, cells: TrainingCells, users: CountedUsers | None = None
) -> Floats:
    """Return the share [S] of `users`, or of those of `cells`, in each context cell.

    If no user was counted, each context cell without `other` and `missing` gets the
    same share.
    """
    if users is None:
        seen = cells.users if cells.seen is None else cells.seen
        by_cell = sum_by_index(cells.context, seen, design.context_cells)
    else:
        by_cell = users.by_context
    if by_cell.sum() <= 0:
        level_counts = np.array([len(context.levels) for context in design.contexts])
        is_named = np.all(design.context_levels < level_counts, axis=1)
        by_cell = np.asarray(is_named, dtype=np.float64)
    return np.asarray(by_cell / by_cell.sum())


def draw_rewards(
    fitted_reward: FittedReward,
    compiled_policy: CompiledPolicy,
    users: UserMix,
    enabled: NDArray[np.bool_],
    seed: int,
    sign: float = 1.0,
) -> RewardDraws:
    """Draw rewards over the mix of context cells of `users`.

    `enabled` is [V]. `sign` is 1 if a high reward is good, -1 if a low one is.
    """
    shares = users.shares
    design, variants = fitted_reward.design, np.arange(fitted_reward.design.variants)
    leading_table = leading.build_leading_table(compiled_policy.prob_best, enabled)
    mix = TrafficMix(design, compiled_policy, leading_table, users, enabled, sign)
    cell_indices = mix.list_cell_indices()
    seen_levels = _list_seen_levels(design, shares)
    draw_count = _choose_draw_count(design, len(cell_indices), len(seen_levels))
    sums = DrawSums.create(
        draw_count,
        design.variants,
        users.groups.shape[2],
        len(users.odds),
        seen_levels,
    )
    baseline = BaselineAccumulator.create(design, shares, draw_count)
    start = 0
    for chunk in reward_model.draw_chunks(fitted_reward, draw_count, seed, variants):
        rows = slice(start, start + len(chunk))
        baseline.add(rows, cell_indices, _add_chunk(sums, rows, chunk, mix))
        start = rows.stop
    return RewardDraws(
        reward=sums.reward,
        weight=shares @ compiled_policy.probabilities,
        policy_reward=sums.policy_reward,
        best_reward=sums.best_reward,
        uniform_reward=sums.uniform_reward,
        levels=_build_level_draws(mix, sums),
        baselines=baseline.summarize(),
        group_reward=sums.group_reward,
        leading_reward=sums.leading_reward,
    )


def _add_chunk(
    sums: DrawSums, rows: slice, chunk: DrawChunk, mix: TrafficMix
) -> Floats:
    """Add the draws `rows` to the sums.

    Returns the baseline's rewards [context cells with users, draws].
    """
    cell_indices = mix.list_cell_indices()
    table = chunk.build_table(special.expit)
    baseline_rewards = np.empty((len(cell_indices), len(chunk)))
    for index, cell_index in enumerate(cell_indices):
        reward = table.compute_reward(mix.design.context_levels[cell_index])
        baseline_rewards[index] = reward[:, 0]
        sums.add_groups(rows, mix, cell_index, reward)
        reward *= mix.shares[cell_index]
        sums.add(rows, mix, cell_index, reward)
        sums.add_best_and_uniform(rows, reward[:, mix.enabled], mix.sign)
    return baseline_rewards


def _list_seen_levels(design: Design, shares: Floats) -> list[tuple[int, int]]:
    """Return index pairs of context factor and level for all levels that users have."""
    levels = design.context_levels[shares > 0]
    return [
        (context_index, int(level_index))
        for context_index in range(len(design.contexts))
        for level_index in np.unique(levels[:, context_index])
    ]


def _choose_draw_count(design: Design, context_cells: int, seen_levels: int) -> int:
    max_draws_by_work = MAX_REWARDS // (design.variants * context_cells)
    max_draws_by_memory = MAX_STORED_REWARDS // (design.variants * (seen_levels + 1))
    return max(MIN_DRAWS, min(MAX_DRAWS, max_draws_by_work, max_draws_by_memory))


def _build_level_draws(mix: TrafficMix, sums: DrawSums) -> tuple[LevelDraws, ...]:
    level_draws = []
    for index, (context_index, level_index) in enumerate(sums.seen_levels):
        has_level = mix.design.context_levels[:, context_index] == level_index
        level_shares = mix.shares * has_level
        share = float(level_shares.sum())
        level_draws.append(
            LevelDraws(
                context_index=context_index,
                level_index=level_index,
                share=share,
                reward=sums.level_reward[index] / share,
                weight=level_shares @ mix.compiled_policy.probabilities / share,
                policy_reward=sums.level_policy_reward[index] / share,
                leading_reward=sums.level_leading_reward[index] / share,
            )
        )
    return tuple(level_draws)

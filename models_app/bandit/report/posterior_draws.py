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
MAX_REWARDS = 200_000_000
"""Rewards computed for one report; beyond it the number of draws is cut."""

MAX_STORED_REWARDS = 20_000_000


@dataclass(frozen=True, slots=True)
class PosteriorEstimate:
    """Posterior mean and central 95% interval."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class LevelDraws:
    """One level of a context factor.

    `reward` [draws, V] and allocation `weight` [V] there, `policy` [draws] what the
    allocation earns there.
    """

    context: int
    level: int
    share: float
    reward: Floats
    weight: Floats
    policy: Floats


@dataclass(frozen=True, slots=True)
class RewardDraws:
    """Rewards by posterior draw, over the mix of contexts.

    `reward` [draws, V] of each variant for everyone, `weight` [V] its share of the
    optimized arm; `policy`, `best`, `uniform` [draws]: of the current allocation, of
    each context's best enabled variant, of even allocation over the enabled;
    `baselines` by context cell.
    """

    reward: Floats
    weight: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    levels: tuple[LevelDraws, ...]
    baselines: BaselineReward


def summarize_draws(values: Floats) -> PosteriorEstimate:
    """Summarise draws of one figure."""
    lo, hi = np.quantile(values, [0.025, 0.975])
    return PosteriorEstimate(float(values.mean()), float(lo), float(hi))


def compute_context_mix(design: Design, cells: TrainingCells) -> Floats:
    """Share [S] of users in each context cell; even over named levels without users."""
    seen = cells.users if cells.seen is None else cells.seen
    users = sum_by_index(cells.context, seen, design.segments)
    if users.sum() <= 0:
        named = np.array([len(context.levels) for context in design.contexts])
        chosen = np.all(design.context_levels < named, axis=1)
        users = np.asarray(chosen, dtype=np.float64)
    return np.asarray(users / users.sum())


def draw_rewards(
    posterior: FittedReward,
    compiled: CompiledPolicy,
    shares: Floats,
    enabled: NDArray[np.bool_],
    seed: int,
    sign: float = 1.0,
) -> RewardDraws:
    """Draw rewards over the mix `shares` [S] of contexts.

    Best is most where `sign` is 1, least where it is -1.
    """
    design = posterior.design
    segments, cuts = np.flatnonzero(shares), _list_seen_levels(design, shares)
    sums = _DrawSums.empty(
        _choose_draw_count(design, len(segments), len(cuts)), design.variants, cuts
    )
    own = BaselineAccumulator.empty(design, shares, len(sums.policy))
    everyone, start = np.arange(design.variants), 0
    for chunk in reward_model.draw_chunks(
        posterior, len(sums.policy), seed, everyone, logistic=special.expit
    ):
        rows = slice(start, start + len(chunk))
        table = chunk.table()
        baseline = np.empty((len(segments), len(chunk)))
        for index, segment in enumerate(segments):
            levels = design.context_levels[segment]
            reward = table.reward(levels)
            baseline[index] = reward[:, 0]
            reward *= shares[segment]
            earned = reward @ compiled.probabilities[segment]
            sums.add(rows, levels, reward, earned)
            sums.add_best_and_uniform(rows, reward[:, enabled], sign)
        own.add(rows, segments, baseline)
        start = rows.stop
    weight = shares @ compiled.probabilities
    seen = _build_level_draws(design, compiled, shares, sums)
    everybody = sums.reward, weight, sums.policy, sums.best, sums.uniform
    return RewardDraws(*everybody, seen, own.baselines())


@dataclass(frozen=True, slots=True)
class _DrawSums:
    reward: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    cuts: list[tuple[int, int]]
    levels: Floats
    earned: Floats

    @classmethod
    def empty(
        cls, draws: int, variants: int, cuts: list[tuple[int, int]]
    ) -> "_DrawSums":
        policy, best, uniform = np.zeros((3, draws))
        reward, earned = np.zeros((draws, variants)), np.zeros((len(cuts), draws))
        levels = np.zeros((len(cuts), draws, variants))
        return cls(reward, policy, best, uniform, cuts, levels, earned)

    def add(
        self, rows: slice, levels: Integers, reward: Floats, earned: Floats
    ) -> None:
        """Add a context cell's rewards [draws, V] and what the allocation earns there.

        The cell's share is already in them; `levels` are the cell's.
        """
        self.reward[rows] += reward
        self.policy[rows] += earned
        for index, (context, level) in enumerate(self.cuts):
            if levels[context] == level:
                self.levels[index, rows] += reward
                self.earned[index, rows] += earned

    def add_best_and_uniform(self, rows: slice, enabled: Floats, sign: float) -> None:
        """Add what the best and the average enabled variant [draws, ·] earn there."""
        self.best[rows] += sign * (sign * enabled).max(axis=1)
        self.uniform[rows] += enabled.mean(axis=1)


def _list_seen_levels(design: Design, shares: Floats) -> list[tuple[int, int]]:
    """(context factor, level) pairs that anybody was seen with."""
    seen = design.context_levels[shares > 0]
    return [
        (context, int(level))
        for context in range(len(design.contexts))
        for level in np.unique(seen[:, context])
    ]


def _choose_draw_count(design: Design, segments: int, cuts: int) -> int:
    by_work = MAX_REWARDS // (design.variants * segments)
    by_memory = MAX_STORED_REWARDS // (design.variants * (cuts + 1))
    return max(MIN_DRAWS, min(MAX_DRAWS, by_work, by_memory))


def _build_level_draws(
    design: Design, compiled: CompiledPolicy, shares: Floats, sums: _DrawSums
) -> tuple[LevelDraws, ...]:
    found = []
    for index, (context, level) in enumerate(sums.cuts):
        within = shares * (design.context_levels[:, context] == level)
        share = float(within.sum())
        found.append(
            LevelDraws(
                context=context,
                level=level,
                share=share,
                reward=sums.levels[index] / share,
                weight=within @ compiled.probabilities / share,
                policy=sums.earned[index] / share,
            )
        )
    return tuple(found)

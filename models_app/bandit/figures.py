"""Posterior draws of rewards, summed over context cells in bounded memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models_app.bandit import rewards
from models_app.bandit.cells import TrainingCells, summed
from models_app.bandit.design import Design, Floats
from models_app.bandit.policy import Compiled
from models_app.bandit.rewards import Believed

MOST_DRAWS, FEWEST_DRAWS = 4000, 500
MOST_REWARDS = 200_000_000
"""Rewards computed for one report; beyond it the number of draws is cut."""

MOST_KEPT = 20_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """Posterior mean and central 95% interval."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a context factor: rewards [draws, V] and allocation [V] there."""

    context: int
    level: int
    share: float
    reward: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rewards by posterior draw, over the mix of contexts.

    `reward` [draws, V] of each variant for everyone, `weight` [V] its share of the
    optimized arm; `policy`, `best`, `uniform` [draws]: of the current allocation, of
    each context's best enabled variant, of even allocation over the enabled.
    """

    reward: Floats
    weight: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    levels: tuple[Level, ...]


def estimate(values: Floats) -> Estimate:
    """Summarise draws of one figure."""
    lo, hi = np.quantile(values, [0.025, 0.975])
    return Estimate(float(values.mean()), float(lo), float(hi))


def mix(design: Design, cells: TrainingCells) -> Floats:
    """Share [S] of users in each context cell; even over named levels without users."""
    users = summed(cells.context, cells.users, design.segments)
    if users.sum() <= 0:
        named = np.array([len(context.levels) for context in design.contexts])
        chosen = np.all(design.context_levels < named, axis=1)
        users = np.asarray(chosen, dtype=np.float64)
    return np.asarray(users / users.sum())


def draw(
    posterior: Believed,
    compiled: Compiled,
    shares: Floats,
    enabled: NDArray[np.bool_],
    seed: int,
    sign: float = 1.0,
) -> Drawn:
    """Draw rewards over the mix `shares` [S] of contexts.

    Best is most where `sign` is 1, least where it is -1.
    """
    design = posterior.design
    segments = np.flatnonzero(shares)
    cuts = _cuts(design, shares)
    draws = _draws(design, len(segments), len(cuts))
    everyone = np.arange(design.variants)
    sums = _Sums.empty(draws, design.variants, len(cuts))
    start = 0
    for chunk in rewards.chunks(
        posterior, draws, seed, everyone, logistic=special.expit
    ):
        rows = slice(start, start + len(chunk))
        table = chunk.table()
        for segment in segments:
            reward = shares[segment] * table.reward(design.context_levels[segment])
            sums.add(rows, reward, compiled.probabilities[segment])
            sums.compare(rows, reward[:, enabled], sign)
            for index, (context, level) in enumerate(cuts):
                if design.context_levels[segment, context] == level:
                    sums.levels[index, rows] += reward
        start = rows.stop
    weight = shares @ compiled.probabilities
    levels = tuple(
        _level(design, compiled, shares, cut, sums.levels[index])
        for index, cut in enumerate(cuts)
    )
    return Drawn(sums.reward, weight, sums.policy, sums.best, sums.uniform, levels)


@dataclass(frozen=True, slots=True)
class _Sums:
    reward: Floats
    policy: Floats
    best: Floats
    uniform: Floats
    levels: Floats

    @classmethod
    def empty(cls, draws: int, variants: int, cuts: int) -> "_Sums":
        policy, best, uniform = np.zeros((3, draws))
        levels = np.zeros((cuts, draws, variants))
        return cls(np.zeros((draws, variants)), policy, best, uniform, levels)

    def add(self, rows: slice, reward: Floats, allocation: Floats) -> None:
        """Add one context cell's rewards [draws, V], its share already in them."""
        self.reward[rows] += reward
        self.policy[rows] += reward @ allocation

    def compare(self, rows: slice, enabled: Floats, sign: float) -> None:
        """Add what the best and the average enabled variant [draws, ·] earn there."""
        self.best[rows] += sign * (sign * enabled).max(axis=1)
        self.uniform[rows] += enabled.mean(axis=1)


def _cuts(design: Design, shares: Floats) -> list[tuple[int, int]]:
    """(context factor, level) pairs that anybody was seen with."""
    seen = design.context_levels[shares > 0]
    return [
        (context, int(level))
        for context in range(len(design.contexts))
        for level in np.unique(seen[:, context])
    ]


def _draws(design: Design, segments: int, cuts: int) -> int:
    by_work = MOST_REWARDS // (design.variants * segments)
    by_memory = MOST_KEPT // (design.variants * (cuts + 1))
    return max(FEWEST_DRAWS, min(MOST_DRAWS, by_work, by_memory))


def _level(
    design: Design,
    compiled: Compiled,
    shares: Floats,
    cut: tuple[int, int],
    reward: Floats,
) -> Level:
    context, level = cut
    within = shares * (design.context_levels[:, context] == level)
    share = within.sum()
    weight = within @ compiled.probabilities / share
    return Level(context, level, float(share), reward / share, weight)

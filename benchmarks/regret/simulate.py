"""Simulate one run of an engine in one seed's world, and measure its regret."""

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.regret.problem import Engine, Problem
from benchmarks.regret.workloads import Workload
from benchmarks.regret.worlds import World
from models_app.bandit.design.design import Floats, Integers

GOOD_ENOUGH = 0.99


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one run.

    Parameters
    ----------
    regret_percent: expected loss against always serving the best variant of each context
        cell, as a share of what uniform allocation loses on the same users.
    late_regret_percent: the same over the last tenth of the batches.
    best_share: share of traffic whose most served variant in that tenth is within 1%
        of the best at the end.
    coverage: share of (context cell, variant) whose mean reward at the end lies in the
        engine's 95% interval; None without intervals.
    width: mean width of these intervals, relative to the mean reward.
    deciding_seconds, learning_seconds: time in the engine over the whole run.

    """

    workload: str
    engine: str
    seed: int
    repeat: int
    regret_percent: float
    late_regret_percent: float
    best_share: float
    coverage: float | None
    width: float | None
    deciding_seconds: float
    learning_seconds: float


@dataclass(slots=True)
class Losses:
    """Loss summed over users, by the engine and by uniform allocation.

    `late_*` and `served` [S, V] cover the batches from number `late_from` on.
    """

    late_from: int
    served: Floats
    engine: float = 0.0
    uniform: float = 0.0
    late_engine: float = 0.0
    late_uniform: float = 0.0

    def add(
        self, batch: int, mean: Floats, contexts: Integers, variants: Integers
    ) -> None:
        """Add a batch of users at its true mean rewards [S, V]."""
        best = mean.max(axis=1)[contexts]
        engine = float((best - mean[contexts, variants]).sum())
        uniform = float((best - mean[contexts].mean(axis=1)).sum())
        self.engine += engine
        self.uniform += uniform
        if batch >= self.late_from:
            self.late_engine += engine
            self.late_uniform += uniform
            np.add.at(self.served, (contexts, variants), 1.0)


@dataclass(slots=True)
class TimedEngine:
    """An engine, and the seconds it took."""

    engine: Engine
    deciding_seconds: float = 0.0
    learning_seconds: float = 0.0

    def decide(self, contexts: Integers, variants: int) -> tuple[Integers, Floats]:
        """Return variants and propensities; uniform ones if the engine returns none."""
        started_at = time.perf_counter()
        picks = np.empty(len(contexts), dtype=np.int64)
        propensities = np.full(len(contexts), 1.0 / variants)
        for context in np.unique(contexts):
            rows = np.flatnonzero(contexts == context)
            picks[rows], own_propensities = self.engine.assign(int(context), len(rows))
            if own_propensities is not None:
                propensities[rows] = own_propensities
        self.deciding_seconds += time.perf_counter() - started_at
        return picks, propensities

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Let the engine learn from a finished batch."""
        started_at = time.perf_counter()
        self.engine.learn(contexts, variants, rewards, propensities)
        self.learning_seconds += time.perf_counter() - started_at


def simulate_run(
    workload: Workload, engine: type[Engine], seed: int, repeat: int = 0
) -> Run:
    """Run an engine in a world; it learns the rewards of a batch after the batch.

    `repeat` changes the engine's randomness, but neither the world nor its users.
    """
    world, problem = World(workload, seed), Problem.from_workload(workload)
    timed = TimedEngine(engine(problem, seed + 1_000_003 * repeat))
    late_from = workload.batches - max(1, workload.batches // 10)
    losses = Losses(late_from, np.zeros((workload.segments, workload.variants)))
    for batch in range(workload.batches):
        contexts = world.draw_contexts(problem.batch_size)
        variants, propensities = timed.decide(contexts, workload.variants)
        losses.add(batch, world.compute_means(), contexts, variants)
        rewards = world.draw_rewards(contexts, variants)
        timed.learn(contexts, variants, rewards, propensities)
        if batch < workload.batches - 1:
            world.advance()
    coverage, width = _judge_intervals(timed.engine, world.compute_means())
    return Run(
        workload.name,
        engine.name,
        seed,
        repeat,
        100 * losses.engine / losses.uniform,
        100 * losses.late_engine / losses.late_uniform,
        _compute_best_share(world, losses.served),
        coverage,
        width,
        timed.deciding_seconds,
        timed.learning_seconds,
    )


def _compute_best_share(world: World, served: Floats) -> float:
    mean, segments = world.compute_means(), np.arange(len(served))
    most_served = mean[segments, served.argmax(axis=1)]
    is_good = most_served >= GOOD_ENOUGH * mean.max(axis=1)
    return float((is_good * world.context_share).sum())


def _judge_intervals(engine: Engine, mean: Floats) -> tuple[float | None, float | None]:
    """Return coverage and relative width of the engine's intervals."""
    ends = engine.intervals()
    if ends is None:
        return None, None
    low, high = ends
    inside = (low <= mean) & (mean <= high)
    return float(inside.mean()), float(((high - low) / mean).mean())

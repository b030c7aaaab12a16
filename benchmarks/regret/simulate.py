"""One run: an engine on one seed's world, judged by the truth it does not see."""

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
    """What came of one run.

    Parameters
    ----------
    regret_percent: expected loss against always serving each context cell's best, as
        a share of what even allocation loses on the same users.
    late_regret_percent: the same over the last tenth of the batches.
    best_share: share of traffic whose most served variant in that tenth is within 1%
        of the best at the end.
    coverage: share of (context cell, variant) whose mean reward at the end lies in the
        engine's 95% interval; None without intervals. `width`: of these intervals,
        relative to the mean reward, averaged.
    deciding_seconds, learning_seconds: spent in the engine over the whole run.

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
    """Sums over users of what was lost, by the engine and by even allocation."""

    late_from: int
    served: Floats
    own: float = 0.0
    even: float = 0.0
    late_own: float = 0.0
    late_even: float = 0.0

    def add(
        self, batch: int, mean: Floats, contexts: Integers, variants: Integers
    ) -> None:
        """Count a batch of users at its true means [S, V]."""
        best = mean.max(axis=1)[contexts]
        own = float((best - mean[contexts, variants]).sum())
        even = float((best - mean[contexts].mean(axis=1)).sum())
        self.own, self.even = self.own + own, self.even + even
        if batch >= self.late_from:
            self.late_own, self.late_even = self.late_own + own, self.late_even + even
            np.add.at(self.served, (contexts, variants), 1.0)


@dataclass(slots=True)
class TimedEngine:
    """An engine, and the seconds it took."""

    engine: Engine
    deciding: float = 0.0
    learning: float = 0.0

    def decide(self, contexts: Integers, variants: int) -> tuple[Integers, Floats]:
        """Variants and propensities of users; even ones where the engine tells none."""
        start = time.perf_counter()
        picks = np.empty(len(contexts), dtype=np.int64)
        propensities = np.full(len(contexts), 1.0 / variants)
        for context in np.unique(contexts):
            rows = np.flatnonzero(contexts == context)
            picks[rows], known = self.engine.assign(int(context), len(rows))
            if known is not None:
                propensities[rows] = known
        self.deciding += time.perf_counter() - start
        return picks, propensities

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Hand over a batch that is over."""
        start = time.perf_counter()
        self.engine.learn(contexts, variants, rewards, propensities)
        self.learning += time.perf_counter() - start


def simulate_run(
    workload: Workload, engine: type[Engine], seed: int, repeat: int = 0
) -> Run:
    """Run an engine on a world; rewards of a batch are known after the batch.

    `repeat` gives the engine other randomness in the same world with the same users.
    """
    world, problem = World(workload, seed), Problem.of(workload)
    timed = TimedEngine(engine(problem, seed + 1_000_003 * repeat))
    late_from = workload.batches - max(1, workload.batches // 10)
    shape = workload.segments, workload.variants
    losses = Losses(late_from, np.zeros(shape))
    for batch in range(workload.batches):
        contexts = world.contexts(problem.batch_size)
        variants, propensities = timed.decide(contexts, workload.variants)
        losses.add(batch, world.mean(), contexts, variants)
        rewards = world.rewards(contexts, variants)
        timed.learn(contexts, variants, rewards, propensities)
        if batch < workload.batches - 1:
            world.advance()
    covered, width = _judge_intervals(timed.engine, world.mean())
    return Run(
        workload.name,
        engine.name,
        seed,
        repeat,
        100 * losses.own / losses.even,
        100 * losses.late_own / losses.late_even,
        _compute_best_share(world, losses.served),
        covered,
        width,
        timed.deciding,
        timed.learning,
    )


def _compute_best_share(world: World, served: Floats) -> float:
    mean, every = world.mean(), np.arange(len(served))
    good = mean[every, served.argmax(axis=1)] >= GOOD_ENOUGH * mean.max(axis=1)
    return float((good * world.context_share).sum())


def _judge_intervals(engine: Engine, mean: Floats) -> tuple[float | None, float | None]:
    """Coverage and relative width of the engine's intervals."""
    ends = engine.intervals()
    if ends is None:
        return None, None
    low, high = ends
    inside = (low <= mean) & (mean <= high)
    return float(inside.mean()), float(((high - low) / mean).mean())

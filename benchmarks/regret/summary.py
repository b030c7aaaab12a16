"""Means over seeds and paired differences of runs, each with its 95% interval."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.regret.simulate import Run


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and half the width of its 95% interval (Student's t).

    `half` is nan for a single seed.
    """

    mean: float
    half: float
    seeds: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


@dataclass(frozen=True, slots=True)
class Standing:
    """The figures of one engine on one workload, in percent.

    `difference` is our regret minus this engine's over the seeds that both have run; None
    for our own engine and without a common seed.
    """

    engine: str
    regret: Estimate
    best: Estimate
    late_regret: Estimate
    coverage: Estimate | None
    seconds: float
    difference: Estimate | None


BySeed = Mapping[int, list[Run]]


def rank_engines(runs: Iterable[Run], workload: str, ours: str) -> list[Standing]:
    """Return the standings of the engines that ran the workload, least regret first.

    Repeats of a seed are averaged first, because only seeds are independent.
    """
    by_engine: dict[str, dict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.workload == workload:
            by_engine[run.engine][run.seed].append(run)
    own = by_engine.get(ours, {})
    standings = [
        _build_standing(name, by_seed, own) for name, by_seed in by_engine.items()
    ]
    return sorted(standings, key=lambda standing: standing.regret.mean)


def average_over_seeds(values: Iterable[float]) -> Estimate:
    """Return the mean of one value per seed."""
    array = np.array(list(values))
    n = len(array)
    if n < 2:
        return Estimate(float(array.mean()), float("nan"), n)
    error = array.std(ddof=1) / np.sqrt(n)
    return Estimate(float(array.mean()), float(stats.t.ppf(0.975, n - 1) * error), n)


def _build_standing(name: str, by_seed: BySeed, own: BySeed) -> Standing:
    def average(field: str, factor: float = 1.0) -> Estimate:
        return average_over_seeds(
            factor * _average_repeats(repeats, field) for repeats in by_seed.values()
        )

    runs = [run for repeats in by_seed.values() for run in repeats]
    common_seeds = sorted(by_seed.keys() & own.keys()) if own is not by_seed else []
    differences = [
        _average_repeats(own[seed], "regret_percent")
        - _average_repeats(by_seed[seed], "regret_percent")
        for seed in common_seeds
    ]
    has_intervals = all(run.coverage is not None for run in runs)
    return Standing(
        name,
        average("regret_percent"),
        average("best_share", 100),
        average("late_regret_percent"),
        average("coverage", 100) if has_intervals else None,
        float(np.mean([run.deciding_seconds + run.learning_seconds for run in runs])),
        average_over_seeds(differences) if differences else None,
    )


def _average_repeats(repeats: list[Run], field: str) -> float:
    return float(np.mean([getattr(run, field) for run in repeats]))

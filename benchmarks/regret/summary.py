"""From runs to means over seeds and paired differences, each with its 95% interval."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.regret.simulate import Run


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and half its 95% interval (Student's t); nan of one seed."""

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
    """One engine on one workload, in percent.

    `difference` is our regret minus this engine's over the seeds both have run; None
    for our own engine and where there is no common seed.
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
    """Every engine that ran the workload, the least regret first.

    Runs that repeat a seed are averaged first: seeds are what is independent.
    """
    found: dict[str, dict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.workload == workload:
            found[run.engine][run.seed].append(run)
    own = found.get(ours, {})
    every = [_build_standing(name, seeds, own) for name, seeds in found.items()]
    return sorted(every, key=lambda standing: standing.regret.mean)


def average_over_seeds(values: Iterable[float]) -> Estimate:
    """Mean of one value per seed."""
    found = np.array(list(values))
    n = len(found)
    if n < 2:
        return Estimate(float(found.mean()), float("nan"), n)
    error = found.std(ddof=1) / np.sqrt(n)
    return Estimate(float(found.mean()), float(stats.t.ppf(0.975, n - 1) * error), n)


def _build_standing(name: str, seeds: BySeed, own: BySeed) -> Standing:
    runs = [run for each in seeds.values() for run in each]
    common = sorted(seeds.keys() & own.keys()) if own is not seeds else []
    gaps = [
        _compute_mean(own[s], "regret_percent")
        - _compute_mean(seeds[s], "regret_percent")
        for s in common
    ]
    covers = all(run.coverage is not None for run in runs)
    return Standing(
        name,
        average_over_seeds(
            _compute_mean(each, "regret_percent") for each in seeds.values()
        ),
        average_over_seeds(
            100 * _compute_mean(each, "best_share") for each in seeds.values()
        ),
        average_over_seeds(
            _compute_mean(each, "late_regret_percent") for each in seeds.values()
        ),
        average_over_seeds(
            100 * _compute_mean(each, "coverage") for each in seeds.values()
        )
        if covers
        else None,
        float(np.mean([run.deciding_seconds + run.learning_seconds for run in runs])),
        average_over_seeds(gaps) if gaps else None,
    )


def _compute_mean(runs: list[Run], name: str) -> float:
    return float(np.mean([getattr(run, name) for run in runs]))

"""Measure the learner: `python -m benchmarks.learner [--rounds N]`.

Seconds are CPU seconds on one thread, the median of the rounds. Each round also times a
floor: one dense matrix product of the size of the task. Ratios to the floor carry over to
other machines and to a busy one; seconds do not.
"""

import argparse
import tracemalloc
from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

import numpy as np

from benchmarks.learner import worlds
from benchmarks.statistics import report
from models_app.bandit.policy import allocation
from models_app.bandit.regression import blas_threads
from models_app.bandit.rewards import fit
from models_app.bandit.rewards.reward_model import RewardModelKind

DRAWS = 4000
PORTION = 20  # the floor of compiling multiplies one PORTION-th of the draws
# Levels of each design factor and of each context factor.
COMPILED_DESIGNS = {
    "100 variants x 500 contexts (20 x 25)": ((10, 10), (18, 23)),
    "100 variants x 500 contexts (500)": ((10, 10), (498,)),
    "100 variants x 500 contexts (4 x 5 x 5 x 5)": ((10, 10), (2, 3, 3, 3)),
    "18 variants": ((3, 3, 2), ()),
}
# The same, then the number of cells and of strata.
FITTED_DESIGNS = {
    "2,000 cells": ((6, 4, 3), (3, 3), 2_000, 30),
    "20,000 cells": ((6, 6, 4), (4, 5), 20_000, 60),
}
KINDS: tuple[RewardModelKind, ...] = ("chance", "mean", "hurdle", "outcomes")


def main() -> None:
    """Measure compiling and fitting, and print a table of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with blas_threads.use_single_thread():
        _measure_compiling(rounds)
        _measure_fitting(rounds)


def _measure_compiling(rounds: int) -> None:
    header = "design", "reward", "coefficients", "seconds", "of the floor", "peak MB"
    rows = []
    for name, sizes in COMPILED_DESIGNS.items():
        design = worlds.build_design(*sizes)
        coefficients = np.ones((DRAWS // PORTION, design.columns), np.float32)
        cells = design.variants * design.context_cells
        features = np.ones((design.columns, cells), np.float32)
        floor = partial(np.matmul, coefficients, features)
        for kind in KINDS:
            task = partial(
                allocation.compile_policy,
                worlds.build_posterior(kind, design),
                np.ones(design.variants, bool),
                draws=DRAWS,
            )
            seconds, ratio = _measure_ratio(task, floor, rounds)
            figures = (
                f"{seconds:.3f}",
                f"{ratio / PORTION:.2f}",
                f"{_measure_peak(task):.0f}",
            )
            rows.append((name, kind, design.columns, *figures))
    report.print_table(f"compile, {DRAWS} draws", header, rows)


def _measure_fitting(rounds: int) -> None:
    header = (
        "cells",
        "reward",
        "coefficients",
        "milliseconds",
        "of the floor",
        "peak MB",
    )
    rows = []
    for name, (sizes, contexts, count, strata) in FITTED_DESIGNS.items():
        design = worlds.build_design(sizes, contexts)
        features = np.ones((count, design.columns))
        floor = partial(np.matmul, features.T, features)  # one Newton step
        for kind in worlds.CELL_BUILDERS:
            cells = worlds.simulate_cells(kind, design, count, strata)
            task = partial(fit.fit_reward, design, cells)
            seconds, ratio = _measure_ratio(task, floor, rounds)
            figures = (
                f"{1000 * seconds:.0f}",
                f"{ratio:.0f}",
                f"{_measure_peak(task):.0f}",
            )
            rows.append((name, kind, design.columns, *figures))
    report.print_table("fit", header, rows)


def _measure_ratio(
    task: Callable[[], object], floor: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Return the median seconds of the task, and its median ratio to the floor."""
    pairs = [(_measure_seconds(task), _measure_seconds(floor)) for _ in range(rounds)]
    ratios = [seconds / floor_seconds for seconds, floor_seconds in pairs]
    return median(seconds for seconds, _ in pairs), median(ratios)


def _measure_seconds(task: Callable[[], object]) -> float:
    started_at = process_time()
    task()
    return process_time() - started_at


def _measure_peak(task: Callable[[], object]) -> float:
    """Return the peak of Python's allocated memory during the task, in megabytes."""
    tracemalloc.start()
    task()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()

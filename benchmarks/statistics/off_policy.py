"""T8: coverage of off-policy estimates after adaptive allocation.

Also with assumed uniform propensities, which shows why they are logged.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.logged_worlds import (
    DAYS,
    TARGETS,
    VERSIONS_A_DAY,
    Run,
    World,
    build_grid,
    load_target,
    simulate_run,
)
from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy import evaluate
from models_app.bandit.off_policy.evaluate import Evaluation, LoggedCells

# Whether each interval contains the truth, and effective sample sizes, both by name.
Judgment = tuple[dict[str, bool], dict[str, float]]
ESTIMATORS = ("ips", "snips", "doubly_robust")


@dataclass(frozen=True, slots=True)
class Row:
    """Share of runs published, and of those the intervals that contain the truth.

    ``assumed``: the ips interval with uniform propensities; ``sizes``: median effective
    sample sizes.
    """

    world: World
    target: str
    published: report.Share
    covered: dict[str, report.Share]
    assumed: report.Share
    sizes: dict[str, float]


def run_study(
    runs: int,
    seed: int,
    grid: tuple[World, ...],
    targets: tuple[str, ...] = TARGETS,
) -> list[Row]:
    """Return the coverage of each estimator, and of ips with assumed propensities."""
    rng = np.random.default_rng(seed)
    rows = []
    for world in grid:
        judgments: dict[str, list[Judgment | None]] = {name: [] for name in targets}
        for _ in range(runs):
            run = simulate_run(rng, world)
            for name in targets:
                judgments[name].append(_judge_target(run, name, world))
        rows += [_build_row(world, name, judgments[name]) for name in targets]
    return rows


def _judge_target(run: Run, name: str, world: World) -> Judgment | None:
    """Compare the evaluation of a target with the truth; None if it is withheld."""
    target, since = load_target(run, name)
    logged = run.logged.only(run.logged.version >= since)
    truth, binary = run.truth(target, since), world.kind == "bool"
    served = run.truth(run.tables.__getitem__, since)
    result = evaluate.evaluate_policy(
        logged, run.tables.__getitem__, target, binary=binary
    )
    if result.target is None or result.difference is None or result.served is None:
        return None
    estimates = {name: getattr(result.target, name) for name in ESTIMATORS}
    hits = {
        name: bool(estimate.lo <= truth <= estimate.hi)
        for name, estimate in estimates.items()
    }
    difference = result.difference
    hits["difference"] = difference.lo <= truth - served <= difference.hi
    hits["served"] = result.served.snips.lo <= served <= result.served.snips.hi
    assumed = _evaluate_as_uniform(logged, run, target, binary=binary)
    if assumed.target is not None:
        hits["assumed"] = assumed.target.ips.lo <= truth <= assumed.target.ips.hi
    sizes = {
        name: estimate.effective_sample_size for name, estimate in estimates.items()
    }
    return hits, sizes


def _evaluate_as_uniform(
    logged: LoggedCells, run: Run, target: Callable[[int], Floats], *, binary: bool
) -> Evaluation:
    """Evaluate as if every variant had been shown with the same probability."""
    shape = run.tables[0].shape
    uniform = np.full(shape, 1 / shape[1])
    return evaluate.evaluate_policy(
        logged, lambda _version: uniform, target, binary=binary
    )


def _build_row(world: World, target: str, judgments: list[Judgment | None]) -> Row:
    published = [judgment for judgment in judgments if judgment is not None]
    names = (*ESTIMATORS, "difference", "served")
    return Row(
        world,
        target,
        report.compute_share([judgment is not None for judgment in judgments]),
        {
            name: report.compute_share([hits[name] for hits, _ in published])
            for name in names
        },
        report.compute_share(
            [hits["assumed"] for hits, _ in published if "assumed" in hits]
        ),
        {
            name: float(np.median([sizes[name] for _, sizes in published]))
            if published
            else 0.0
            for name in ESTIMATORS
        },
    )


def main() -> None:
    options = report.parse_arguments(runs=1_000)
    report.print_table(
        f"T8  {DAYS} days of {VERSIONS_A_DAY} policy versions, Thompson sampling; "
        "covered: intervals that contain the truth (percent of those published)",
        (
            *("kind", "rate", "users", "variants", "holdout", "drift", "target"),
            *("published", "ips", "snips", "doubly robust", "difference", "served"),
            *("ess ips", "snips", "dr", "propensities assumed"),
        ),
        [
            (
                *(w.kind, w.rate, w.users, w.variants, w.holdout, w.drift, r.target),
                *(r.published, *r.covered.values()),
                *(f"{size:.0f}" for size in r.sizes.values()),
                r.assumed,
            )
            for r in run_study(options.runs, options.seed, build_grid())
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

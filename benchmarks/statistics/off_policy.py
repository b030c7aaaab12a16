"""T8, off-policy estimates: coverage after adaptive allocation, and why propensities are logged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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

ESTIMATORS = ("ips", "snips", "doubly_robust")


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs published; of those, intervals that hold the truth."""

    world: World
    target: str
    published: report.Share
    covered: dict[str, report.Share]
    assumed: report.Share
    sizes: dict[str, float]


def run_study(
    runs: int,
    seed: int,
    some: tuple[World, ...],
    targets: tuple[str, ...] = TARGETS,
) -> list[Row]:
    """Coverage of each estimator, and of ips with assumed propensities."""
    rng = np.random.default_rng(seed)
    rows = []
    for world in some:
        found: dict[str, list[tuple[dict[str, bool], dict[str, float]] | None]] = {
            name: [] for name in targets
        }
        for _ in range(runs):
            run = simulate_run(rng, world)
            for name in targets:
                found[name].append(_judge_target(run, name, world))
        rows += [_build_row(world, name, found[name]) for name in targets]
    return rows


def _judge_target(
    run: Run, name: str, world: World
) -> tuple[dict[str, bool], dict[str, float]] | None:
    target, since = load_target(run, name)
    logged = run.logged.only(run.logged.version >= since)
    truth, binary = run.truth(target, since), world.kind == "bool"
    served = run.truth(run.tables.__getitem__, since)
    found = evaluate.evaluate_policy(
        logged, run.tables.__getitem__, target, binary=binary
    )
    if found.target is None or found.difference is None or found.served is None:
        return None
    each = {one: getattr(found.target, one) for one in ESTIMATORS}
    hits = {one: bool(e.lo <= truth <= e.hi) for one, e in each.items()}
    gap = found.difference
    hits["difference"] = gap.lo <= truth - served <= gap.hi
    hits["served"] = found.served.snips.lo <= served <= found.served.snips.hi
    wrong = _evaluate_as_uniform(logged, run, target, binary=binary)
    if wrong.target is not None:
        hits["assumed"] = wrong.target.ips.lo <= truth <= wrong.target.ips.hi
    sizes = {one: e.effective_sample_size for one, e in each.items()}
    return hits, sizes


def _evaluate_as_uniform(
    logged: LoggedCells, run: Run, target: Callable[[int], Floats], *, binary: bool
) -> Evaluation:
    """Evaluate as if every variant had been shown alike, as one assumes."""
    shape = run.tables[0].shape
    even = np.full(shape, 1 / shape[1])
    return evaluate.evaluate_policy(
        logged, lambda _version: even, target, binary=binary
    )


def _build_row(world: World, name: str, found: list[Any]) -> Row:
    told = [each for each in found if each is not None]
    names = (*ESTIMATORS, "difference", "served")
    return Row(
        world,
        name,
        report.compute_share([each is not None for each in found]),
        {one: report.compute_share([hits[one] for hits, _ in told]) for one in names},
        report.compute_share(
            [hits["assumed"] for hits, _ in told if "assumed" in hits]
        ),
        {
            one: float(np.median([size[one] for _, size in told])) if told else 0.0
            for one in ESTIMATORS
        },
    )


def main() -> None:
    options = report.parse_arguments(runs=1_000)
    report.print_table(
        f"T8  {DAYS} days of {VERSIONS_A_DAY} policy versions, Thompson sampling; "
        "covered: intervals that hold the truth (percent of those published)",
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

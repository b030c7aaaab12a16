"""T3: how often the intervals hold the true lift, and on which side they miss."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, report, worlds
from metrics.stats.normal import CRITICAL

HOLDOUTS = (100, 300, 1_000, 10_000, 100_000)
RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SHARES = (0.1, 0.5)
RATIOS = (0.9, 1.0, 1.2)
RARE = 0.05
MOST_PAYERS = 20_000_000
LEAST_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class World:
    """Holdout users and share, holdout base rate, true ratio of the means.

    For amounts the lift comes half from more payers, half from larger amounts.
    """

    kind: str
    holdout: int
    share: float
    rate: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Row:
    """``above``, ``below``: the interval lies above, below the true ratio."""

    world: World
    published: report.Share
    covers: report.Share
    above: report.Share
    below: report.Share
    anytime: report.Share
    delta: report.Share
    score_all: report.Share
    score_of_five: report.Share
    delta_all: report.Share


def build_grid(kinds: tuple[str, ...]) -> tuple[World, ...]:
    """Every combination of holdout size, share, base rate and lift."""
    return tuple(
        World(kind, holdout, share, rate, ratio)
        for kind in kinds
        for holdout in HOLDOUTS
        for share in SHARES
        for rate in RATES
        for ratio in RATIOS
        if kind == "bool" or holdout / share * rate <= MOST_PAYERS / LEAST_RUNS
    )


def run_study(runs: int, seed: int, some: tuple[World, ...]) -> list[Row]:
    """Coverage of every world, among the runs where the service publishes."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in some]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    optimized, holdout = _draw_arms(rng, runs, world)
    statistic = (
        arrays.compute_rates_z if world.kind == "bool" else arrays.compute_amounts_z
    )
    z = statistic(optimized, holdout, world.ratio)
    shown = arrays.is_published(optimized, holdout, world.kind)
    wide = arrays.compute_anytime_critical(
        optimized, holdout, float(arrays.compute_weights(optimized, holdout)[0, 0])
    )
    five = np.minimum(optimized.value_sum, holdout.value_sum) >= 5
    too_high, too_low = arrays.check_delta_misses(optimized, holdout, world.ratio)
    return Row(
        world,
        report.compute_share(shown),
        report.compute_share(np.abs(z) <= CRITICAL, among=shown),
        report.compute_share(z > CRITICAL, among=shown),
        report.compute_share(z < -CRITICAL, among=shown),
        report.compute_share(np.abs(z) <= wide, among=shown),
        report.compute_share(~too_high & ~too_low, among=shown),
        report.compute_share(np.abs(z) <= CRITICAL),
        report.compute_share(np.abs(z) <= CRITICAL, among=five[:, 0]),
        report.compute_share(~too_high & ~too_low, among=holdout.value_sum[:, 0] > 0),
    )


def _draw_arms(
    rng: np.random.Generator, runs: int, world: World
) -> tuple[arrays.Arm, arrays.Arm]:
    others = round(world.holdout * (1 - world.share) / world.share)
    more, scale = world.ratio, 1.0
    if world.kind != "bool":
        more = scale = world.ratio**0.5
        payers = (world.holdout + others) * world.rate
        runs = max(LEAST_RUNS, min(runs, int(MOST_PAYERS / payers)))
    users = np.full((runs, 1), 1.0)
    return (
        worlds.draw_arm(
            rng, users * others, users * world.rate * more, world.kind, scale
        ),
        worlds.draw_arm(rng, users * world.holdout, users * world.rate, world.kind),
    )


def main() -> None:
    options = report.parse_arguments(runs=20_000)
    rows = run_study(options.runs, options.seed, build_grid(("bool", "numeric")))
    shown = [row for row in rows if row.published.value >= RARE]
    report.print_table(
        "T3  coverage of the measured lift among published (percent); left out: "
        f"{len(rows) - len(shown)} worlds published in under {RARE:.0%} of runs",
        (
            "reward",
            "holdout",
            "share",
            "rate",
            "lift",
            "published",
            "covers",
            "too high",
            "too low",
            "anytime",
            "delta",
        ),
        [
            (
                *_describe_world(r.world),
                r.published,
                r.covers,
                r.above,
                r.below,
                r.anytime,
                r.delta,
            )
            for r in shown
        ],
    )
    report.print_table(
        "Worst of all worlds, and the error it is known with",
        ("reward", "coverage", "too high", "too low", "anytime", "delta"),
        [_find_worst(kind, shown) for kind in ("bool", "numeric")],
    )
    report.print_table(
        "Without the publishing rule: all runs (delta: with a holdout conversion)",
        (
            "reward",
            "holdout",
            "share",
            "rate",
            "lift",
            "score",
            "score, five each",
            "delta",
        ),
        [
            (*_describe_world(r.world), r.score_all, r.score_of_five, r.delta_all)
            for r in rows
            if r.world.holdout == HOLDOUTS[0] and r.world.kind == "bool"
        ],
    )


def _describe_world(w: World) -> tuple[object, ...]:
    return w.kind, w.holdout, w.share, w.rate, f"{100 * (w.ratio - 1):+.0f}%"


def _find_worst(kind: str, rows: list[Row]) -> tuple[object, ...]:
    of = [row for row in rows if row.world.kind == kind]
    return (
        kind,
        min((r.covers for r in of), key=lambda s: s.value),
        max((r.above for r in of), key=lambda s: s.value),
        max((r.below for r in of), key=lambda s: s.value),
        min((r.anytime for r in of), key=lambda s: s.value),
        min((r.delta for r in of), key=lambda s: s.value),
    )


if __name__ == "__main__":
    main()

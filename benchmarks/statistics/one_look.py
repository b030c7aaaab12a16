"""T1: how often one look at equal arms claims a lift."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, rate_tests, report, worlds
from metrics.stats.normal import CRITICAL

HOLDOUTS = (100, 1_000, 10_000, 100_000)
RATES = (0.002, 0.005, 0.02, 0.1, 0.2, 0.5)
SHARES = (0.05, 0.1, 0.5)
# Amounts take long to simulate.
AMOUNT_RATES, AMOUNT_SHARES = (0.005, 0.02, 0.1, 0.5), (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class World:
    """Holdout users, their share of all users, and the base rate of both arms."""

    kind: str
    holdout: int
    share: float
    rate: float

    @property
    def payers(self) -> float:
        return self.holdout / self.share * self.rate


@dataclass(frozen=True, slots=True)
class Row:
    """``claims``: share with p below 5% among the runs that the service publishes.

    ``separate``, ``pooled``: the same for a test with only that variance.
    """

    world: World
    published: report.Share
    claims: report.Share
    separate: report.Share
    pooled: report.Share


def build_grid(kinds: tuple[str, ...]) -> tuple[World, ...]:
    """Return every combination that can be simulated often enough."""
    combinations = (
        World(kind, holdout, share, rate)
        for kind in kinds
        for holdout in HOLDOUTS
        for share in (SHARES if kind == "bool" else AMOUNT_SHARES)
        for rate in (RATES if kind == "bool" else AMOUNT_RATES)
    )
    max_payers = worlds.MAX_PAYERS / worlds.MIN_RUNS
    return tuple(
        world
        for world in combinations
        if world.kind == "bool" or world.payers <= max_payers
    )


def run_study(runs: int, seed: int, grid: tuple[World, ...]) -> list[Row]:
    """Return the share of false claims at 5% in each world."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    others = round(world.holdout * (1 - world.share) / world.share)
    if world.kind != "bool":
        runs = max(worlds.MIN_RUNS, min(runs, int(worlds.MAX_PAYERS / world.payers)))
    ones = np.ones((runs, 1))
    rate = ones * world.rate
    optimized = worlds.draw_arm(rng, ones * others, rate, world.kind)
    holdout = worlds.draw_arm(rng, ones * world.holdout, rate, world.kind)
    if world.kind == "bool":
        published, claimed = rate_tests.judge_one_look(optimized, holdout)
    else:
        published = arrays.is_published(optimized, holdout, world.kind)
        z = arrays.compute_amounts_z(optimized, holdout, 1.0)
        claimed = np.abs(z) > CRITICAL
    claimed_by_spread = (
        np.abs(arrays.compute_amounts_z(optimized, holdout, 1.0, spread)) > CRITICAL
        for spread in ("separate", "pooled")
    )
    return Row(
        world,
        report.compute_share(published),
        report.compute_share(claimed, among=published),
        *(report.compute_share(flags, among=published) for flags in claimed_by_spread),
    )


def main() -> None:
    options = report.parse_arguments(runs=50_000)
    grid = build_grid(("bool", "numeric", "outcomes"))
    report.print_table(
        "T1  A/A, one look: claims at 5%, among published (percent)",
        (
            "reward",
            "holdout",
            "share",
            "base rate",
            "published",
            "claims",
            "own variance",
            "pooled",
        ),
        [
            (
                w.kind,
                w.holdout,
                w.share,
                w.rate,
                row.published,
                row.claims,
                row.separate,
                row.pooled,
            )
            for row in run_study(options.runs, options.seed, grid)
            for w in (row.world,)
            if row.published.value >= report.RARE
        ],
    )


if __name__ == "__main__":
    main()

"""T1: nothing differs, one look. How often is a lift claimed?"""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, report, worlds
from metrics.stats.normal import CRITICAL

HOLDOUTS = (100, 1_000, 10_000, 100_000)
RATES = (0.005, 0.02, 0.1, 0.5)
SHARES = (0.1, 0.5)
RARE = 0.05
MOST_PAYERS = 20_000_000
LEAST_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class World:
    """Holdout users and share of all users, base rate of both arms."""

    kind: str
    holdout: int
    share: float
    rate: float

    @property
    def payers(self) -> float:
        return self.holdout / self.share * self.rate


@dataclass(frozen=True, slots=True)
class Row:
    """``claims``: p below 5%, among the runs where the service publishes.

    ``separate``, ``pooled``: the same by a test with that variance alone.
    """

    world: World
    published: report.Share
    claims: report.Share
    separate: report.Share
    pooled: report.Share


def build_grid(kinds: tuple[str, ...]) -> tuple[World, ...]:
    """Every combination that can be simulated often enough."""
    worlds_of = (
        World(kind, holdout, share, rate)
        for kind in kinds
        for holdout in HOLDOUTS
        for share in SHARES
        for rate in RATES
    )
    most = MOST_PAYERS / LEAST_RUNS
    return tuple(w for w in worlds_of if w.kind == "bool" or w.payers <= most)


def run_study(runs: int, seed: int, some: tuple[World, ...]) -> list[Row]:
    """False claims at 5% in every world."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in some]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    others = round(world.holdout * (1 - world.share) / world.share)
    if world.kind != "bool":
        runs = max(LEAST_RUNS, min(runs, int(MOST_PAYERS / world.payers)))
    one = np.ones((runs, 1))
    rate = one * world.rate
    optimized = worlds.draw_arm(rng, one * others, rate, world.kind)
    holdout = worlds.draw_arm(rng, one * world.holdout, rate, world.kind)
    statistic = (
        arrays.compute_rates_z if world.kind == "bool" else arrays.compute_amounts_z
    )
    shown = arrays.is_published(optimized, holdout, world.kind)
    claimed = np.abs(statistic(optimized, holdout, 1.0)) > CRITICAL
    alone = (
        np.abs(arrays.compute_amounts_z(optimized, holdout, 1.0, spread)) > CRITICAL
        for spread in ("separate", "pooled")
    )
    return Row(
        world,
        report.compute_share(shown),
        report.compute_share(claimed, among=shown),
        *(report.compute_share(other, among=shown) for other in alone),
    )


def main() -> None:
    options = report.parse_arguments(runs=50_000)
    some = build_grid(("bool", "numeric", "outcomes"))
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
            for row in run_study(options.runs, options.seed, some)
            for w in (row.world,)
            if row.published.value >= RARE
        ],
    )


if __name__ == "__main__":
    main()

"""T3: how often the intervals contain the true lift, and on which side they miss."""

from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from benchmarks.statistics import arrays, report, worlds
from metrics.stats.normal import CRITICAL

HOLDOUTS = (100, 300, 1_000, 10_000, 100_000)
RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SHARES = (0.1, 0.5)
RATIOS = (0.9, 1.0, 1.2)


@dataclass(frozen=True, slots=True)
class World:
    """Holdout users, share and base rate, and the true ratio of the means.

    For amounts, half of the lift comes from more payers, half from larger amounts.
    """

    kind: str
    holdout: int
    share: float
    rate: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs; ``above``, ``below``: the interval lies above, below the truth.

    ``*_all``, ``score_of_five``: without the publishing rule, over all runs or over those
    with five conversions in each arm.
    """

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
    """Return the combinations of kind, holdout size, share, base rate and lift."""
    return tuple(
        World(kind, holdout, share, rate, ratio)
        for kind in kinds
        for holdout in HOLDOUTS
        for share in SHARES
        for rate in RATES
        for ratio in RATIOS
        if kind == "bool"
        or holdout / share * rate <= worlds.MAX_PAYERS / worlds.MIN_RUNS
    )


def run_study(runs: int, seed: int, grid: tuple[World, ...]) -> list[Row]:
    """Return the coverage in each world, among the runs that the service publishes."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    optimized, holdout = _draw_arms(rng, runs, world)
    statistic = (
        arrays.compute_rates_z if world.kind == "bool" else arrays.compute_amounts_z
    )
    z = statistic(optimized, holdout, world.ratio)
    published = arrays.is_published(optimized, holdout, world.kind)
    anytime_critical = arrays.compute_anytime_critical(
        optimized, holdout, float(arrays.compute_weights(optimized, holdout)[0, 0])
    )
    has_five = np.minimum(optimized.value_sum, holdout.value_sum) >= 5
    too_high, too_low = arrays.check_delta_misses(optimized, holdout, world.ratio)
    return Row(
        world,
        report.compute_share(published),
        report.compute_share(np.abs(z) <= CRITICAL, among=published),
        report.compute_share(z > CRITICAL, among=published),
        report.compute_share(z < -CRITICAL, among=published),
        report.compute_share(np.abs(z) <= anytime_critical, among=published),
        report.compute_share(~too_high & ~too_low, among=published),
        report.compute_share(np.abs(z) <= CRITICAL),
        report.compute_share(np.abs(z) <= CRITICAL, among=has_five[:, 0]),
        report.compute_share(~too_high & ~too_low, among=holdout.value_sum[:, 0] > 0),
    )


def _draw_arms(
    rng: np.random.Generator, runs: int, world: World
) -> tuple[arrays.Arm, arrays.Arm]:
    others = round(world.holdout * (1 - world.share) / world.share)
    rate_ratio, scale = world.ratio, 1.0
    if world.kind != "bool":
        rate_ratio = scale = world.ratio**0.5
        payers = (world.holdout + others) * world.rate
        runs = max(worlds.MIN_RUNS, min(runs, int(worlds.MAX_PAYERS / payers)))
    ones = np.full((runs, 1), 1.0)
    return (
        worlds.draw_arm(
            rng, ones * others, ones * world.rate * rate_ratio, world.kind, scale
        ),
        worlds.draw_arm(rng, ones * world.holdout, ones * world.rate, world.kind),
    )


def main() -> None:
    options = report.parse_arguments(runs=20_000)
    rows = run_study(options.runs, options.seed, build_grid(("bool", "numeric")))
    printed = [row for row in rows if row.published.value >= report.RARE]
    report.print_table(
        "T3  coverage of the measured lift among published (percent); left out: "
        f"{len(rows) - len(printed)} worlds published in under {report.RARE:.0%} of runs",
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
            for r in printed
        ],
    )
    report.print_table(
        "Worst of all worlds, with its Monte Carlo error",
        ("reward", "coverage", "too high", "too low", "anytime", "delta"),
        [_find_worst(kind, printed) for kind in ("bool", "numeric")],
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


def _describe_world(world: World) -> tuple[object, ...]:
    lift = f"{100 * (world.ratio - 1):+.0f}%"
    return world.kind, world.holdout, world.share, world.rate, lift


def _find_worst(kind: str, rows: list[Row]) -> tuple[object, ...]:
    of_kind = [row for row in rows if row.world.kind == kind]
    value = attrgetter("value")
    return (
        kind,
        min((row.covers for row in of_kind), key=value),
        max((row.above for row in of_kind), key=value),
        max((row.below for row in of_kind), key=value),
        min((row.anytime for row in of_kind), key=value),
        min((row.delta for row in of_kind), key=value),
    )


if __name__ == "__main__":
    main()

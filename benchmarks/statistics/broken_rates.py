"""T20 for rates: after how many days a rate that breaks down in the optimized arm alarms."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, rate_tests, report
from benchmarks.statistics.rates_with_effect import DAYS, World, simulate_traffic

RATE, DAILY = 0.05, 1000
WORLDS = tuple(
    World(DAILY, share, RATE, effect)
    for share in (0.05, 0.1, 0.5)
    for effect in (-100, -90, -70, -50)
)


@dataclass(frozen=True, slots=True)
class Row:
    """Median day of the alarm (None: in fewer than half of the runs), and shares of runs.

    `before`: the day on which the score alone alarms, which waits for enough data.
    `returned`: runs in which the alarm was not there at a later look.
    """

    world: World
    day: float | None
    before: float | None
    returned: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return when harm is shown at 5%, read daily."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    optimized, holdout, _ = simulate_traffic(rng, runs, world)
    critical = rate_tests.compute_critical(optimized, holdout, world.share)
    is_harmful = optimized.value_sum[..., 0] * holdout.users[..., 0] < (
        holdout.value_sum[..., 0] * optimized.users[..., 0]
    )
    alarms = is_harmful & rate_tests.is_rejected_anytime(
        optimized, holdout, "difference", 0.0, critical
    )
    supported = arrays.is_supported(optimized, holdout, "bool")
    z = arrays.compute_rates_z(optimized, holdout, 1.0)
    by_score = supported & (z < -critical)
    ever = np.logical_or.accumulate(alarms, axis=1)
    return Row(
        world,
        _find_median_day(alarms),
        _find_median_day(by_score),
        report.compute_share((ever & ~alarms).any(axis=1)),
    )


def _find_median_day(alarms: arrays.Flags) -> float | None:
    days = np.where(alarms.any(axis=1), alarms.argmax(axis=1) + 1.0, np.inf)
    median = float(np.median(days))
    return median if np.isfinite(median) else None


def main() -> None:
    options = report.parse_arguments(runs=3_000)
    report.print_table(
        f"T20  a rate of {RATE:.0%} falls in the optimized arm, {DAILY} users a day, "
        f"{DAYS} daily looks",
        ("holdout", "falls to", "median day", "by the score", "returned"),
        [
            (
                r.world.share,
                f"{100 + r.world.effect:.0f}%",
                *("never" if d is None else f"{d:g}" for d in (r.day, r.before)),
                r.returned,
            )
            for r in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()

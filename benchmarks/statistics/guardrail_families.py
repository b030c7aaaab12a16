"""T11: how often guardrails that are read daily raise a false alarm, and find a harm."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, rate_tests, report
from metrics.stats.guardrails import compute_launch_share

DAYS, DAILY = 60, 1000
FAMILIES = (1, 5, 20)


@dataclass(frozen=True, slots=True)
class World:
    """Guardrails at going live, their rate, the holdout share, one metric's real ratio."""

    family: int
    rate: float
    share: float
    ratio: float = 1.0


WORLDS = (
    *(
        World(family, rate, share)
        for family in FAMILIES
        for rate, share in ((0.002, 0.05), (0.02, 0.1), (0.05, 0.5), (0.2, 0.1))
    ),
    *(World(family, 0.05, 0.1, 0.8) for family in FAMILIES),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Runs with an alarm by fixed shares, and by 5% each; the median day of the alarm."""

    world: World
    alarms: report.Share
    alarms_at_5_percent: report.Share
    median_day: float | None


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Count alarms of harm at any of 60 daily looks, in independent guardrails."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    share = compute_launch_share(world.family)
    by_share = np.zeros((runs, DAYS), dtype=bool)
    at_5_percent = np.zeros((runs, DAYS), dtype=bool)
    for place in range(world.family):
        ratio = world.ratio if place == 0 else 1.0
        optimized, holdout = _simulate_traffic(rng, runs, world, ratio)
        fell = arrays.compute_rates_z(optimized, holdout, 1.0) < 0
        for alarms, alpha in ((by_share, share), (at_5_percent, 0.05)):
            critical = rate_tests.compute_critical(
                optimized, holdout, world.share, alpha
            )
            rejected = rate_tests.is_rejected_anytime(
                optimized, holdout, "difference", 0.0, critical, alpha
            )
            np.logical_or(alarms, fell & rejected, out=alarms)
    found = by_share.any(axis=1)
    days = by_share.argmax(axis=1)[found] + 1
    return Row(
        world,
        report.compute_share(found),
        report.compute_share(at_5_percent.any(axis=1)),
        float(np.median(days)) if len(days) else None,
    )


def _simulate_traffic(
    rng: np.random.Generator, runs: int, world: World, ratio: float
) -> tuple[arrays.Arm, arrays.Arm]:
    """Return running totals [run, day, regime], of a metric that should not fall."""
    held_out = round(DAILY * world.share)
    arms = []
    for users, rate in ((DAILY - held_out, world.rate * ratio), (held_out, world.rate)):
        converted = rng.binomial(users, rate, (runs, DAYS)).cumsum(axis=1)
        days = np.arange(1, DAYS + 1)
        arms.append(
            arrays.build_conversion_arm(
                (users * days)[None, :, None], converted[..., None]
            )
        )
    return arms[0], arms[1]


def main() -> None:
    options = report.parse_arguments(runs=3_000)
    report.print_table(
        f"T11  guardrails, {DAYS} daily looks: alarms of harm (percent)",
        ("guardrails", "rate", "holdout", "ratio", "alarms", "at 5% each", "day"),
        [
            (
                r.world.family,
                r.world.rate,
                r.world.share,
                r.world.ratio,
                r.alarms,
                r.alarms_at_5_percent,
                "-" if r.median_day is None else round(r.median_day),
            )
            for r in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()

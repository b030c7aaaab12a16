"""T7: how often the sample ratio check raises alarms, with equal and unequal shares."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import report
from metrics.stats import Split, check_sample_ratio

LOOKS = 30


@dataclass(frozen=True, slots=True)
class World:
    """Configured and real holdout share, and all users over 30 looks."""

    configured: float
    real: float
    users: int


WORLDS = (
    *(
        World(share, share, users)
        for share in (0.05, 0.1, 0.5)
        for users in (900, 90_000)
    ),
    World(0.5, 0.46, 10_000),
    World(0.1, 0.12, 10_000),
    World(0.1, 0.11, 30_000),
    World(0.1, 0.105, 200_000),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Share of runs with an alarm at any look, and users at the median first alarm."""

    world: World
    alarms: report.Share
    at_users: float | None


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Count alarms at any of 30 looks, with the product's own check."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    step = world.users // LOOKS
    holdouts = rng.binomial(step, world.real, (runs, LOOKS)).cumsum(axis=1)
    totals = step * np.arange(1, LOOKS + 1)
    first = [_find_first_alarm(row, totals, world.configured) for row in holdouts]
    alarms = [users for users in first if users is not None]
    return Row(
        world,
        report.Share(len(alarms) / runs, runs),
        float(np.median(alarms)) if alarms else None,
    )


def _find_first_alarm(
    holdouts: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    totals: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    configured: float,
) -> int | None:
    """Return the users at the first look with an alarm, or None."""
    for holdout, users in zip(holdouts, totals, strict=True):
        split = Split(int(users - holdout), int(holdout), configured)
        if not check_sample_ratio([split]).ok:
            return int(users)
    return None


def main() -> None:
    options = report.parse_arguments(runs=20_000)
    report.print_table(
        f"T7  sample ratio, {LOOKS} looks: alarms (percent)",
        ("configured", "real", "users", "alarms", "users at median alarm"),
        [
            (
                r.world.configured,
                r.world.real,
                r.world.users,
                r.alarms,
                "-" if r.at_users is None else round(r.at_users),
            )
            for r in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()

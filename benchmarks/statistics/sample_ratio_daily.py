"""T7 by day: false alarms of the daily sample ratio, and losses that cancel in total."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.arrays import Array
from metrics.stats.balance import ALARM_P_VALUE
from metrics.stats.daily_balance import compute_log_evidence, compute_log_factor

DAYS = 60
LOST_DAYS = 5
CHUNK = 500  # runs at once, whose spans of days fit into memory


@dataclass(frozen=True, slots=True)
class World:
    """Daily users, holdout share, and the shares of the arms that get lost.

    In days 1 to 5 the holdout loses `lost`; in days 6 to 10 the optimized arm loses the
    same share, so that the totals are as configured. `always` is lost from the holdout on
    every day.
    """

    daily: int
    share: float
    lost: float = 0.0
    always: float = 0.0
    regimes: int = 1


WORLDS = (
    *(World(daily, share) for daily in (200, 1000) for share in (0.05, 0.1, 0.5)),
    *(World(1000, share, regimes=6) for share in (0.1, 0.5)),
    *(World(daily, 0.5, lost=0.5) for daily in (200, 1000)),
    *(World(daily, 0.1, lost=0.5) for daily in (500, 1000)),
    *(World(daily, 0.05, lost=0.5) for daily in (500, 1000)),
    World(1000, 0.1, lost=0.3),
    World(1000, 0.5, always=4 / 27),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs with an alarm by the fifth, tenth and last day; by total on the tenth."""

    world: World
    by_day_5: report.Share
    by_day_10: report.Share
    ever: report.Share
    total_on_day_10: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return the shares of runs with an alarm, read daily."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    holdout, optimized = _simulate_days(rng, runs, world)
    shares = np.full(DAYS, world.share)
    regimes = np.floor(np.arange(DAYS) * world.regimes / DAYS)
    evidence = np.concatenate(
        [
            compute_log_evidence(
                holdout[i : i + CHUNK], optimized[i : i + CHUNK], shares, regimes
            )
            for i in range(0, runs, CHUNK)
        ]
    )
    alarms = evidence >= -np.log(ALARM_P_VALUE)
    sums = [users[:, : 2 * LOST_DAYS].sum(axis=1) for users in (holdout, optimized)]
    total = compute_log_factor(sums[0], sums[1], shares[:1], 1000.0)
    return Row(
        world,
        report.compute_share(alarms[:, :LOST_DAYS].any(axis=1)),
        report.compute_share(alarms[:, : 2 * LOST_DAYS].any(axis=1)),
        report.compute_share(alarms.any(axis=1)),
        report.compute_share(total >= -np.log(ALARM_P_VALUE)),
    )


def _simulate_days(
    rng: np.random.Generator, runs: int, world: World
) -> tuple[Array, Array]:
    """Return users of both arms [run, day] that were counted."""
    day = np.arange(DAYS)
    users = rng.poisson(world.daily, (runs, DAYS))
    held_out = rng.binomial(users, world.share)
    kept = np.where(day < LOST_DAYS, 1 - world.lost, 1.0) * (1 - world.always)
    is_later = (day >= LOST_DAYS) & (day < 2 * LOST_DAYS)
    kept_optimized = np.where(is_later, 1 - world.lost, 1.0)
    holdout = rng.binomial(held_out, np.broadcast_to(kept, users.shape))
    optimized = rng.binomial(
        users - held_out, np.broadcast_to(kept_optimized, users.shape)
    )
    return holdout.astype(float), optimized.astype(float)


def main() -> None:
    options = report.parse_arguments(runs=10_000)
    report.print_table(
        f"T7  sample ratio by day, {DAYS} daily looks: alarms (percent)",
        (
            "users/day",
            "holdout",
            "lost, then",
            "lost daily",
            "regimes",
            "by day 5",
            "by day 10",
            "ever",
            "total, day 10",
        ),
        [
            (
                w.daily,
                w.share,
                w.lost,
                round(w.always, 3),
                w.regimes,
                r.by_day_5,
                r.by_day_10,
                r.ever,
                r.total_on_day_10,
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

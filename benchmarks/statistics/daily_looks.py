"""T2: how often 90 daily looks at equal arms ever claim a lift."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, rate_tests, report, worlds
from metrics.stats.normal import CRITICAL

DAYS = 90
CHANGE_DAY = 30


@dataclass(frozen=True, slots=True)
class World:
    """Daily users of both arms, base rate, holdout share before and from a day on.

    ``planned`` is ``expected_users`` over the users who really arrive.
    """

    kind: str
    daily: int
    rate: float
    share: float
    later_share: float
    planned: float
    change_day: int = CHANGE_DAY


WORLDS = (
    *(World("bool", 1000, rate, 0.1, 0.1, 1.0) for rate in (0.005, 0.02, 0.1, 0.5)),
    *(World("bool", 1000, rate, 0.5, 0.5, 1.0) for rate in (0.005, 0.02, 0.1, 0.5)),
    *(World("bool", 200, rate, 0.05, 0.05, 1.0) for rate in (0.02, 0.1)),
    *(World("bool", 50_000, rate, 0.1, 0.1, 1.0) for rate in (0.005, 0.1)),
    *(World("bool", 1000, 0.05, 0.1, 0.1, planned) for planned in (0.01, 0.1, 10.0)),
    *(World("bool", 1000, 0.05, 0.5, 0.1, planned) for planned in (0.1, 1.0)),
    World("bool", 1000, 0.05, 0.1, 0.5, 1.0),
    *(
        World("bool", 1000, 0.05, *shares, planned, change_day=3)
        for shares in ((0.5, 0.1), (0.05, 0.5))
        for planned in (0.1, 1.0)
    ),
    *(World("numeric", 500, rate, 0.1, 0.1, 1.0) for rate in (0.02, 0.1)),
    *(World("numeric", 500, rate, 0.5, 0.5, 1.0) for rate in (0.02, 0.1)),
    World("numeric", 500, 0.05, 0.1, 0.1, 0.05),
    World("numeric", 500, 0.05, 0.5, 0.1, 1.0),
    World("outcomes", 500, 0.05, 0.1, 0.1, 1.0),
    World("outcomes", 500, 0.05, 0.1, 0.1, 0.05),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs whose interval excluded zero at any look, or at the last."""

    world: World
    ever_fixed: report.Share
    ever_anytime: report.Share
    last_anytime: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return the shares of runs in which a published interval excluded zero."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    optimized, holdout = _simulate_traffic(rng, runs, world)
    statistic = (
        arrays.compute_rates_z if world.kind == "bool" else arrays.compute_amounts_z
    )
    distance = np.abs(statistic(optimized, holdout, 1.0))
    published = arrays.is_published(optimized, holdout, world.kind)
    planned = arrays.compute_planned_information(
        round(world.daily * DAYS * world.planned), world.share
    )
    critical = arrays.compute_anytime_critical(optimized, holdout, planned)
    excluded = published & (distance > critical)
    if world.kind == "bool":
        excluded = rate_tests.is_rejected_anytime(
            optimized, holdout, "difference", 0.0, critical
        )
    return Row(
        world,
        report.compute_share((published & (distance > CRITICAL)).any(axis=1)),
        report.compute_share(excluded.any(axis=1)),
        report.compute_share(excluded[:, -1]),
    )


def _simulate_traffic(
    rng: np.random.Generator, runs: int, world: World
) -> tuple[arrays.Arm, arrays.Arm]:
    """Return running totals [run, day, regime], with a weekly cycle of 20%."""
    day = np.arange(DAYS)
    rate = world.rate * (1 + 0.2 * np.sin(2 * np.pi * day / 7))
    regime = (day[:, None] >= world.change_day) == np.array([False, True])
    share = np.array([world.share, world.later_share])
    users = rng.poisson(world.daily, (runs, DAYS, 1)) * regime
    in_holdout = rng.binomial(users, share)
    rates = np.broadcast_to(rate[None, :, None], users.shape)
    optimized = worlds.draw_arm(
        rng, (users - in_holdout).astype(float), rates, world.kind
    )
    holdout = worlds.draw_arm(rng, in_holdout.astype(float), rates, world.kind)
    return worlds.cumulate_days(optimized), worlds.cumulate_days(holdout)


def main() -> None:
    options = report.parse_arguments(runs=2_000)
    report.print_table(
        f"T2  A/A, daily looks for {DAYS} days: ever excluded zero (percent); "
        "a second regime from the day of the change",
        (
            "reward",
            "users/day",
            "base rate",
            "holdout",
            "later",
            "changed",
            "planned",
            "fixed ever",
            "anytime ever",
            "anytime last",
        ),
        [
            (
                w.kind,
                w.daily,
                w.rate,
                w.share,
                w.later_share,
                f"day {w.change_day}",
                f"x{w.planned:g}",
                r.ever_fixed,
                r.ever_anytime,
                r.last_anytime,
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

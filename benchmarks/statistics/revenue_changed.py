"""How often "revenue has changed" is said, at one look and anytime, and by the mean alone."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import (
    amount_arrays,
    amount_looks,
    arrays,
    companion_arrays,
    report,
)
from benchmarks.statistics.amount_looks import BATCH, NOTHING, World
from benchmarks.statistics.amount_worlds import Effect, Payments, fix_caps, sum_both
from benchmarks.statistics.arrays import Array, Flags
from metrics.stats.companion import COMPANION_ALPHA
from metrics.stats.normal import CRITICAL, compute_critical

DAYS = 12
WORLDS = tuple(
    World(kind, 1000, 0.1, effect)
    for kind in ("lognormal 2", "lognormal 1", "Pareto 1.5")
    for effect in (
        NOTHING,
        Effect(amounts=2.0),
        Effect(payers=2.0),
        Effect(amounts=0.5),
    )
)


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs that find a change on the last day; `mean`: by the mean alone."""

    world: World
    changed: report.Share
    anytime: report.Share
    capped: report.Share
    payers: report.Share
    typical: report.Share
    mean: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return the shares of runs with a p-value of at most 5% at one look."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    sizes = [min(BATCH, runs - start) for start in range(0, runs, BATCH)]
    batches = [_run_batch(rng, size, world) for size in sizes]
    shares = [
        report.compute_share(np.concatenate(hits))
        for hits in zip(*batches, strict=True)
    ]
    return Row(world, *shares)


def _run_batch(rng: np.random.Generator, runs: int, world: World) -> tuple[Flags, ...]:
    payments = amount_looks.draw_arms(rng, runs, world, DAYS)
    optimized, holdout = sum_both(payments, lambda arm: arm.sum_arm(arm.values))
    z = np.abs(arrays.compute_amounts_z(optimized, holdout, 1.0))[:, -1]
    rewarded = sum_both(payments, Payments.count_rewarded)
    published = amount_arrays.is_published(*rewarded)[:, -1]
    companions = compute_z_of_no_change(payments)
    at_one_look = [np.abs(z) > compute_critical(COMPANION_ALPHA) for z in companions]
    planned = arrays.compute_planned_information(world.daily * 28, world.share)
    wide = arrays.compute_anytime_critical(optimized, holdout, planned, COMPANION_ALPHA)
    anytime = [np.abs(z) > wide[:, -1] for z in companions]
    return (
        np.any(at_one_look, axis=0),
        np.any(anytime, axis=0),
        *at_one_look,
        published & (z > CRITICAL),
    )


def compute_z_of_no_change(payments: tuple[Payments, Payments]) -> list[Array]:
    """Return z [run] of each companion on the last day; 0 where it is withheld."""
    payers = sum_both(payments, Payments.count_payers)
    enough = companion_arrays.has_enough_payers(*payers)
    caps, _fixed = fix_caps(payments)
    figures = (
        (
            companion_arrays.compute_log_ratio_z(
                *sum_both(payments, lambda arm: arm.sum_capped(caps)), 1.0
            ),
            enough & np.isfinite(caps)[:, None],
        ),
        (
            arrays.compute_rates_z(*payers, 1.0),
            companion_arrays.is_rate_published(*payers),
        ),
        (
            companion_arrays.compute_typical_z(
                *sum_both(payments, Payments.sum_logs), 1.0
            ),
            enough,
        ),
    )
    return [np.nan_to_num(np.where(shown, z, 0.0))[:, -1] for z, shown in figures]


def main() -> None:
    options = report.parse_arguments(runs=10_000)
    report.print_table(
        f"Revenue has changed: said after {DAYS} days of 1,000 users, 5% of whom pay, with a "
        "holdout of 10% (percent of runs)",
        (
            *("payments", "payers", "amounts", "changed", "changed, anytime"),
            *("capped", "payer rate", "typical", "mean alone, p < .05"),
        ),
        [
            (
                w.kind,
                *(f"x{factor:g}" for factor in (w.effect.payers, w.effect.amounts)),
                *(r.changed, r.anytime, r.capped, r.payers, r.typical, r.mean),
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

"""T2, amounts: how often 60 daily looks, or one, ever exclude the true effect."""

from dataclasses import dataclass, fields

import numpy as np

from benchmarks.statistics import (
    amount_arrays,
    amount_worlds,
    arrays,
    companion_arrays,
    report,
)
from benchmarks.statistics.amount_worlds import Effect, Payments, sum_both
from benchmarks.statistics.arrays import Array, Flags
from metrics.stats.companion import COMPANION_ALPHA
from metrics.stats.normal import CRITICAL

DAYS = 60
WEEKS_PLANNED_DAYS = 28  # expected users are four times the first week's
BATCH = 250
NOTHING, HALF, LESS, MORE, TWICE = (
    Effect(),
    Effect(payers=0.5),
    Effect(amounts=0.5),
    Effect(payers=2.0),
    Effect(amounts=2.0),
)
BOTH = Effect(payers=2**0.5, amounts=2**0.5)


@dataclass(frozen=True, slots=True)
class World:
    """Payments, users a day, holdout share, the true effect, and the number of regimes."""

    kind: str
    daily: int
    share: float
    effect: Effect
    regimes: int = 1


WORLDS = (
    *(World("lognormal 2", 1000, 0.5, effect) for effect in (NOTHING, HALF, LESS)),
    *(World("lognormal 2", 1000, 0.5, effect) for effect in (MORE, TWICE, BOTH)),
    *(World("lognormal 2", 1000, 0.1, effect) for effect in (NOTHING, HALF, TWICE)),
    *(World("lognormal 2", 200, 0.5, effect) for effect in (HALF, LESS, MORE, TWICE)),
    *(World("lognormal 2", 200, 0.1, effect) for effect in (MORE, TWICE)),
    World("lognormal 2", 1000, 0.05, TWICE),
    World("lognormal 2", 200, 0.5, TWICE, 6),
    World("lognormal 2", 1000, 0.1, HALF, 6),
    *(World("lognormal 1", 200, 0.5, effect) for effect in (NOTHING, LESS, TWICE)),
    World("lognormal 1", 1000, 0.1, MORE, 6),
    *(World("Pareto 1.5", 1000, 0.5, effect) for effect in (NOTHING, LESS, TWICE)),
    World("Pareto 1.5", 200, 0.1, MORE),
    *(World("Pareto 2.2", 200, 0.5, effect) for effect in (LESS, TWICE)),
    World("Pareto 2.2", 1000, 0.1, TWICE, 6),
    *(World("constant", 200, 0.1, effect) for effect in (NOTHING, HALF, TWICE)),
    *(World("refunds", 200, 0.5, effect) for effect in (NOTHING, HALF, TWICE)),
    *(World("refunds", 200, share, MORE) for share in (0.05, 0.1)),
)


@dataclass(frozen=True, slots=True)
class Misses:
    """Whether [run] a figure ever left out the truth, or at one look of the last day."""

    difference: Flags
    lift: Flags
    capped: Flags
    payers: Flags
    typical: Flags
    companions: Flags
    one_look_difference: Flags
    one_look_published: Flags


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs; `companions`: any of the three."""

    world: World
    difference: report.Share
    lift: report.Share
    capped: report.Share
    payers: report.Share
    typical: report.Share
    companions: report.Share
    one_look: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return the shares of runs in which a published interval left out the truth."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    sizes = [min(BATCH, runs - start) for start in range(0, runs, BATCH)]
    batches = [_run_batch(rng, size, world) for size in sizes]
    flags = {
        entry.name: np.concatenate([getattr(batch, entry.name) for batch in batches])
        for entry in fields(Misses)
    }
    published = flags.pop("one_look_published")
    one_look = report.compute_share(flags.pop("one_look_difference"), among=published)
    shares = {name: report.compute_share(hits) for name, hits in flags.items()}
    return Row(world, one_look=one_look, **shares)


def _run_batch(rng: np.random.Generator, runs: int, world: World) -> Misses:
    payments = draw_arms(rng, runs, world)
    optimized, holdout = sum_both(payments, lambda arm: arm.sum_arm(arm.values))
    planned = arrays.compute_planned_information(
        world.daily * WEEKS_PLANNED_DAYS, world.share
    )
    critical = arrays.compute_anytime_critical(optimized, holdout, planned)
    published = amount_arrays.is_published(*sum_both(payments, Payments.count_rewarded))
    ratio = world.effect.ratio
    mean = amount_worlds.RATE * amount_worlds.MEANS[world.kind]
    difference, one_look = (
        published
        & amount_arrays.is_difference_excluded(
            optimized, holdout, mean * (ratio - 1), factor
        )
        for factor in (critical, CRITICAL)
    )
    shown = published & amount_arrays.is_ratio_shown(optimized, holdout, critical)
    lift = shown & (
        np.abs(arrays.compute_amounts_z(optimized, holdout, ratio)) > critical
    )
    capped, payers, typical = map(_find_runs, miss_companions(payments, world, planned))
    return Misses(
        difference=_find_runs(difference),
        lift=_find_runs(lift),
        capped=capped,
        payers=payers,
        typical=typical,
        companions=capped | payers | typical,
        one_look_difference=one_look[:, -1],
        one_look_published=published[:, -1],
    )


def _find_runs(misses: Flags) -> Flags:
    """Return the runs with a miss on any day."""
    return np.asarray(misses.any(axis=1))


def draw_arms(
    rng: np.random.Generator, runs: int, world: World, days: int = DAYS
) -> tuple[Payments, Payments]:
    """Draw both arms; regimes follow each other and last equally long."""
    regime = np.arange(days)[:, None] * world.regimes // days == np.arange(
        world.regimes
    )
    users = rng.poisson(world.daily, (runs, days, 1)) * regime
    held_out = rng.binomial(users, world.share)
    return (
        amount_worlds.draw_payments(rng, users - held_out, world.kind, world.effect),
        amount_worlds.draw_payments(rng, held_out, world.kind, NOTHING),
    )


def miss_companions(
    payments: tuple[Payments, Payments], world: World, planned: float
) -> tuple[Flags, Flags, Flags]:
    """Return where [run, day] each companion's anytime interval leaves out the truth."""
    effect = world.effect
    payers = sum_both(payments, Payments.count_payers)
    critical = arrays.compute_anytime_critical(*payers, planned, COMPANION_ALPHA)
    enough = companion_arrays.has_enough_payers(*payers)
    caps, fixed = amount_worlds.fix_caps(payments)
    truth = amount_worlds.compute_capped_ratio(world.kind, effect, caps)
    is_capped = enough & (np.arange(enough.shape[1]) >= fixed[:, None])

    def exceed(z: Array, published: Flags) -> Flags:
        with np.errstate(invalid="ignore"):
            flags: Flags = published & (np.abs(z) > critical)
        return flags

    return (
        exceed(
            companion_arrays.compute_log_ratio_z(
                *sum_both(payments, lambda arm: arm.sum_capped(caps)), truth[:, None]
            ),
            is_capped,
        ),
        exceed(
            arrays.compute_rates_z(*payers, effect.payers),
            companion_arrays.is_rate_published(*payers),
        ),
        exceed(
            companion_arrays.compute_typical_z(
                *sum_both(payments, Payments.sum_logs), effect.amounts
            ),
            enough,
        ),
    )


def main() -> None:
    options = report.parse_arguments(runs=3_000)
    report.print_table(
        f"T2, amounts: {DAYS} daily looks ever exclude the truth (percent); 5% of users pay",
        (
            *("payments", "users/day", "holdout", "payers", "amounts", "regimes"),
            *("difference", "lift", "capped", "payer rate", "typical", "any of three"),
            "difference, one look",
        ),
        [
            (
                *(w.kind, w.daily, w.share),
                *(f"x{factor:.3g}" for factor in (w.effect.payers, w.effect.amounts)),
                *(w.regimes, r.difference, r.lift, r.capped, r.payers, r.typical),
                *(r.companions, r.one_look),
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

"""T2 for rates: how often 60 daily looks ever exclude the true effect, whatever it is."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, rate_tests, report, worlds

DAYS = 60
# The base rate moves with each new regime.
REGIME_RATES = np.array([1.0, 1.3, 0.8, 1.2, 0.7, 1.0])


@dataclass(frozen=True, slots=True)
class World:
    """Daily users, holdout share, base rate, true effect in percent, and regimes."""

    daily: int
    share: float
    rate: float
    effect: float
    regimes: int = 1

    @property
    def ratio(self) -> float:
        return 1 + self.effect / 100


WORLDS = (
    *(World(1000, 0.1, rate, 0) for rate in (0.002, 0.01, 0.05, 0.2)),
    *(World(200, 0.05, rate, 0) for rate in (0.002, 0.05, 0.2)),
    *(World(200, 0.1, rate, 0, 6) for rate in (0.01, 0.2)),
    *(World(1000, 0.05, 0.01, effect) for effect in (-50, -20, 20, 50, 100)),
    *(World(200, 0.05, 0.2, effect) for effect in (-50, 50, 100)),
    *(World(200, 0.5, 0.002, effect) for effect in (-50, 50, 100)),
    *(World(1000, 0.05, 0.002, effect) for effect in (-50, 100)),
    *(World(1000, 0.5, 0.05, effect) for effect in (-20, 20)),
    *(World(1000, 0.1, 0.05, effect, 6) for effect in (-50, 20, 100)),
    *(World(200, 0.05, 0.05, effect, 6) for effect in (-50, 50, 100)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of runs in which an anytime interval ever excluded the truth."""

    world: World
    lift: report.Share
    difference: report.Share
    without_evidence: report.Share  # where the score only speaks if it is supported


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Return the shares of runs whose anytime figures were ever wrong."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    optimized, holdout, rates = simulate_traffic(rng, runs, world)
    critical = rate_tests.compute_critical(optimized, holdout, world.share)
    w = arrays.compute_weights(optimized, holdout)
    base = (w * rates).sum(-1) / np.maximum(w.sum(-1), 1e-300)
    difference = base * (world.ratio - 1)
    supported = arrays.is_published(optimized, holdout, "bool")
    z = arrays.compute_rates_z(optimized, holdout, world.ratio)
    # without holdout conversions there is no ratio to be wrong
    has_ratio = holdout.value_sum.sum(-1) > 0
    wrong_lift = rate_tests.is_rejected_anytime(
        optimized, holdout, "ratio", world.ratio, critical
    )
    wrong_difference = rate_tests.is_rejected_anytime(
        optimized, holdout, "difference", difference, critical
    )
    return Row(
        world,
        report.compute_share((wrong_lift & has_ratio).any(axis=1)),
        report.compute_share(wrong_difference.any(axis=1)),
        report.compute_share((supported & (np.abs(z) > critical)).any(axis=1)),
    )


def simulate_traffic(
    rng: np.random.Generator, runs: int, world: World
) -> tuple[arrays.Arm, arrays.Arm, arrays.Array]:
    """Return running totals [run, day, regime] of both arms, and base rates [regime]."""
    users = rng.poisson(world.daily, (runs, DAYS, 1))
    regime = np.arange(DAYS)[:, None] * world.regimes // DAYS
    users = users * (regime == np.arange(world.regimes))
    rates = world.rate * REGIME_RATES[: world.regimes]
    held_out = rng.binomial(users, world.share)
    arms = [
        arrays.build_conversion_arm(count, rng.binomial(count, rate))
        for count, rate in (
            (users - held_out, np.minimum(rates * world.ratio, 1.0)),
            (held_out, rates),
        )
    ]
    return worlds.cumulate_days(arms[0]), worlds.cumulate_days(arms[1]), rates


def main() -> None:
    options = report.parse_arguments(runs=3_000)
    report.print_table(
        f"T2  rates, {DAYS} daily looks: an anytime interval ever excluded the true "
        "effect (percent)",
        (
            "users/day",
            "holdout",
            "rate",
            "effect",
            "regimes",
            "lift",
            "difference",
            "score only",
        ),
        [
            (
                w.daily,
                w.share,
                w.rate,
                f"{w.effect:+g}%",
                w.regimes,
                r.lift,
                r.difference,
                r.without_evidence,
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

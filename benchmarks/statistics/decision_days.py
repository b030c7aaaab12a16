"""Days to the decision: does it come within the interval foretold after a week?"""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.statistics import report
from metrics import stats
from metrics.stats import DecisionForecast, ForecastInputs, RewardType, Stratum, Totals
from metrics.stats.forecast import MAX_DAYS

WEEK = 7


@dataclass(frozen=True, slots=True)
class World:
    """Share of payers held out, effect on it and the sd it is drawn with, users a day."""

    kind: RewardType
    rate: float
    effect: float
    error: float
    users: int
    holdout: float


WORLDS = (
    World("bool", 0.10, 0.012, 0.004, 600, 0.5),
    World("bool", 0.05, 0.012, 0.004, 3_000, 0.1),
    World("bool", 0.30, 0.0, 0.01, 2_000, 0.2),
    World("numeric", 0.10, 0.02, 0.006, 1_500, 0.2),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Shares of the runs in which a number was given; `withheld` of all undecided."""

    world: World
    withheld: report.Share
    inside: report.Share
    by_median: report.Share
    open_end: report.Share


def run_study(runs: int, seed: int, some: tuple[World, ...] = WORLDS) -> list[Row]:
    """Foretell after a week, by the product's own function, and play on until decided."""
    return [_run_world(world, runs, seed) for world in some]


def _run_world(world: World, runs: int, seed: int) -> Row:
    played = [
        found
        for run in range(runs)
        if (found := _simulate_until_decided(world, np.random.default_rng([seed, run])))
        is not None
    ]
    given = [(told, day) for told, day in played if told.days is not None]
    return Row(
        world,
        report.compute_share([told.days is None for told, _ in played]),
        report.compute_share(
            [(told.lo or 0) <= day <= (told.hi or np.inf) for told, day in given]
        ),
        report.compute_share([day <= (told.days or 0) for told, day in given]),
        report.compute_share([told.hi is None for told, _ in given]),
    )


def _simulate_until_decided(
    world: World, rng: np.random.Generator
) -> tuple[DecisionForecast, float] | None:
    """Return what was foretold and the day it came; None where the week decided.

    What is believed is what the effect is drawn from, given what the week has shown.
    """
    effect = rng.normal(world.effect, world.error)
    stratum, expected = _simulate_day(world, effect, rng), 28 * world.users
    for _ in range(WEEK - 1):
        stratum = _add_strata(stratum, _simulate_day(world, effect, rng))
    lift = stats.lift.measure_lift([stratum], world.kind, expected_users=expected)
    if lift.p_value_anytime is None or lift.p_value_anytime <= 0.05:
        return None
    coming = _compute_belief(world, stratum)
    told = stats.forecast_decision(lift, [stratum], expected, coming)
    for day in range(1, MAX_DAYS + 1):
        stratum = _add_strata(stratum, _simulate_day(world, effect, rng))
        lift = stats.lift.measure_lift([stratum], world.kind, expected_users=expected)
        if lift.p_value_anytime is not None and lift.p_value_anytime <= 0.05:
            return told, day
    return told, np.inf


def _compute_belief(world: World, stratum: Stratum) -> ForecastInputs:
    """The normal belief about the effect per user, after what both arms have shown."""
    optimized, holdout = stratum
    unit = 1.0 if world.kind == "bool" else float(np.exp(0.5))
    prior = (world.error * unit) ** -2
    seen = (optimized.standard_error**2 + holdout.standard_error**2) ** -1
    mean = prior * world.effect * unit + seen * (optimized.mean - holdout.mean)
    told = prior + seen
    return ForecastInputs(mean / told, told**-0.5, world.users, world.holdout)


def _simulate_day(world: World, effect: float, rng: np.random.Generator) -> Stratum:
    held = round(world.users * world.holdout)
    return (
        _simulate_arm(world, world.users - held, world.rate + effect, rng),
        _simulate_arm(world, held, world.rate, rng),
    )


def _simulate_arm(
    world: World, users: int, rate: float, rng: np.random.Generator
) -> Totals:
    payers = int(rng.binomial(users, min(max(rate, 0.0), 1.0)))
    if world.kind == "bool":
        return Totals.from_conversions(users, payers)
    values = rng.lognormal(0.0, 1.0, payers)
    return replace(Totals.from_values(values), users=users, converted=payers)


def _add_strata(one: Stratum, other: Stratum) -> Stratum:
    return one[0] + other[0], one[1] + other[1]


def main() -> None:
    options = report.parse_arguments(runs=400)
    report.print_table(
        "Days to the decision, foretold after a week (percent of runs)",
        ("kind", "rate", "users", "held out", "withheld", "inside", "≤ median", "open"),
        [
            (
                row.world.kind,
                row.world.rate,
                row.world.users,
                row.world.holdout,
                row.withheld,
                row.inside,
                row.by_median,
                row.open_end,
            )
            for row in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()

"""Days to the decision: how often it comes within the interval predicted after a week."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.statistics import report
from metrics import stats
from metrics.stats import DecisionForecast, ForecastInputs, RewardType, Stratum, Totals
from metrics.stats.forecast import MAX_DAYS

WEEK = 7


@dataclass(frozen=True, slots=True)
class World:
    """Payers' rate, its effect, the sd that the effect is drawn with, users, holdout."""

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
    """Shares of the runs with a prediction; `withheld`: of all runs undecided at first."""

    world: World
    withheld: report.Share
    inside: report.Share
    by_median: report.Share
    open_end: report.Share


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Predict after a week with the product's function, and simulate until decided."""
    return [_run_world(world, runs, seed) for world in grid]


def _run_world(world: World, runs: int, seed: int) -> Row:
    simulated = (
        _simulate_until_decided(world, np.random.default_rng([seed, run]))
        for run in range(runs)
    )
    undecided = [outcome for outcome in simulated if outcome is not None]
    predicted = [
        (forecast, day) for forecast, day in undecided if forecast.days is not None
    ]
    inside = [
        (forecast.lo or 0) <= day <= (forecast.hi or np.inf)
        for forecast, day in predicted
    ]
    return Row(
        world,
        report.compute_share([forecast.days is None for forecast, _ in undecided]),
        report.compute_share(inside),
        report.compute_share([day <= (f.days or 0) for f, day in predicted]),
        report.compute_share([forecast.hi is None for forecast, _ in predicted]),
    )


def _simulate_until_decided(
    world: World, rng: np.random.Generator
) -> tuple[DecisionForecast, float] | None:
    """Return the forecast and the day of the decision; None if the week decided.

    The belief in the forecast is the distribution of the effect, given the week's data.
    """
    effect = rng.normal(world.effect, world.error)
    stratum, expected_users = _simulate_day(world, effect, rng), 28 * world.users
    for _ in range(WEEK - 1):
        stratum = _add_strata(stratum, _simulate_day(world, effect, rng))
    lift = stats.lift.measure_lift([stratum], world.kind, expected_users=expected_users)
    if lift.p_value_anytime is None or lift.p_value_anytime <= 0.05:
        return None
    belief = _compute_belief(world, stratum)
    forecast = stats.forecast_decision(lift, [stratum], expected_users, belief)
    for day in range(1, MAX_DAYS + 1):
        stratum = _add_strata(stratum, _simulate_day(world, effect, rng))
        lift = stats.lift.measure_lift(
            [stratum], world.kind, expected_users=expected_users
        )
        if lift.p_value_anytime is not None and lift.p_value_anytime <= 0.05:
            return forecast, day
    return forecast, np.inf


def _compute_belief(world: World, stratum: Stratum) -> ForecastInputs:
    """Return the normal belief about the effect per user, given both arms' data."""
    optimized, holdout = stratum
    mean_amount = 1.0 if world.kind == "bool" else float(np.exp(0.5))
    prior_precision = (world.error * mean_amount) ** -2
    data_precision = (optimized.standard_error**2 + holdout.standard_error**2) ** -1
    precision = prior_precision + data_precision
    weighted_sum = prior_precision * world.effect * mean_amount + data_precision * (
        optimized.mean - holdout.mean
    )
    return ForecastInputs(
        weighted_sum / precision, precision**-0.5, world.users, world.holdout
    )


def _simulate_day(world: World, effect: float, rng: np.random.Generator) -> Stratum:
    in_holdout = round(world.users * world.holdout)
    return (
        _simulate_arm(world, world.users - in_holdout, world.rate + effect, rng),
        _simulate_arm(world, in_holdout, world.rate, rng),
    )


def _simulate_arm(
    world: World, users: int, rate: float, rng: np.random.Generator
) -> Totals:
    payers = int(rng.binomial(users, min(max(rate, 0.0), 1.0)))
    if world.kind == "bool":
        return Totals.from_conversions(users, payers)
    values = rng.lognormal(0.0, 1.0, payers)
    return replace(Totals.from_values(values), users=users, converted=payers)


def _add_strata(first: Stratum, second: Stratum) -> Stratum:
    return first[0] + second[0], first[1] + second[1]


def main() -> None:
    options = report.parse_arguments(runs=400)
    report.print_table(
        "Days to the decision, predicted after a week (percent of runs)",
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

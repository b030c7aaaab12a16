"""T9: whether a variant whose conversions come days later is taken for a worse one."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.two_variants import (
    Contrast,
    compute_shares,
    fit_posterior,
    read_contrast,
)
from models_app.bandit.data import cells
from models_app.bandit.data.cells import TrainingCells, TrainingRow
from models_app.bandit.design.design import Floats

START, DAYS, BUCKETS = datetime(2030, 1, 1, tzinfo=UTC), 21, 32
HORIZON_HOURS = 168.0
PROMPT_HOURS = 6.0
HALF_AN_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class World:
    """Conversion rate, users a day, and hours from touch to the second variant's rewards.

    Lags spread over the day that follows `late` hours. `effect` is the second variant's
    true effect, in log odds. The product learns and allocates every evening.
    """

    rate: float
    users: int
    late: float
    effect: float = 0.0


WORLDS = (
    *(World(rate, 3_000, late) for rate in (0.02, 0.06, 0.3) for late in (24.0, 120.0)),
    World(0.06, 3_000, 120.0, effect=0.2),
    World(0.06, 3_000, PROMPT_HOURS),
)


@dataclass(frozen=True, slots=True)
class LearnerFigures:
    """After 21 days: coverage and bias of the contrast, share of the second variant."""

    covered: report.Share
    bias: report.Average
    share: report.Average


@dataclass(frozen=True, slots=True)
class Row:
    """What the product learns, and what a learner without maturity learns.

    The naive learner counts a user who has not converted yet as a failure.
    """

    world: World
    product: LearnerFigures
    naive: LearnerFigures


def run_study(runs: int, seed: int, grid: tuple[World, ...] = WORLDS) -> list[Row]:
    """Learn every world `runs` times, with maturity and naively."""
    return [
        Row(
            world,
            *(_run_learner(runs, seed, world, naive=naive) for naive in (False, True)),
        )
        for world in grid
    ]


def _run_learner(runs: int, seed: int, world: World, *, naive: bool) -> LearnerFigures:
    rngs = [np.random.default_rng([seed, run]) for run in range(runs)]
    results = [simulate_run(rng, world, naive=naive) for rng in rngs]
    return LearnerFigures(
        report.compute_share([contrast.holds(world.effect) for contrast, _ in results]),
        report.compute_average(
            [[contrast.bias_percent(world.effect) / 100] for contrast, _ in results]
        ),
        report.compute_average([[share] for _, share in results]),
    )


@dataclass(frozen=True, slots=True)
class TouchCohort:
    """Users of a day and variant, touched at noon; `lags`: hours until each reward."""

    day: int
    variant: int
    users: int
    lags: Floats


def simulate_run(
    rng: np.random.Generator, world: World, *, naive: bool
) -> tuple[Contrast, float]:
    """Simulate 21 days; return the learned contrast and the second variant's share."""
    cohorts = _simulate_arrivals(rng, world, 0, 0.5)
    for day in range(1, DAYS):
        posterior = fit_posterior(_build_cells(cohorts, day, naive=naive))
        share = float(compute_shares(posterior, "default", day)[1])
        cohorts += _simulate_arrivals(rng, world, day, share)
    posterior = fit_posterior(_build_cells(cohorts, DAYS, naive=naive))
    served = sum(cohort.users for cohort in cohorts if cohort.variant == 1)
    return read_contrast(posterior), served / (DAYS * world.users)


def _simulate_arrivals(
    rng: np.random.Generator, world: World, day: int, share: float
) -> list[TouchCohort]:
    """Simulate the users of a day; `share` is that of the second variant."""
    second = int(rng.binomial(world.users, share))
    counts = world.users - second, second
    return [
        _simulate_cohort(rng, world, day, variant, users)
        for variant, users in enumerate(counts)
    ]


def _simulate_cohort(
    rng: np.random.Generator, world: World, day: int, variant: int, users: int
) -> TouchCohort:
    odds = world.rate / (1 - world.rate) * np.exp(world.effect * variant)
    min_lag = world.late if variant else PROMPT_HOURS
    converted = rng.binomial(users, odds / (1 + odds))
    return TouchCohort(day, variant, users, min_lag + rng.uniform(0, 24, converted))


def _build_cells(
    cohorts: list[TouchCohort], days: int, *, naive: bool
) -> TrainingCells:
    """Count what is known after some days, as the product does."""
    as_of = START + timedelta(days=days)
    lag_counts, rows = np.zeros(BUCKETS), list[TrainingRow]()
    for cohort in cohorts:
        touched_at = START + timedelta(days=cohort.day, hours=12)
        age = (as_of - touched_at) / timedelta(hours=1)
        is_mature = age >= HORIZON_HOURS
        if is_mature:
            lag_counts += np.histogram(cohort.lags, BUCKETS, (0, HORIZON_HOURS))[0]
        row = TrainingRow(
            day=START.date() + timedelta(days=cohort.day),
            policy_version=cohort.day,
            variant=cohort.variant,
            context=0,
            mature=is_mature,
            hour=None if is_mature else touched_at - HALF_AN_HOUR,
            users=cohort.users,
            converted=int((cohort.lags <= age).sum()),
        )
        rows.append(replace(row, mature=True, hour=None) if naive else row)
    return cells.tabulate_counts(
        rows, lag_counts.astype(int).tolist(), HORIZON_HOURS, as_of
    )


def main() -> None:
    options = report.parse_arguments(runs=100)
    report.print_table(
        f"T9  {DAYS} days, horizon {HORIZON_HOURS:.0f} hours, the second variant "
        f"converts late; allocated by what is learned daily (percent)",
        (
            *("rate", "users/day", "hours late", "true effect"),
            *("covered", "bias of odds", "its share of users"),
            *("naive: covered", "bias", "share"),
        ),
        [
            (
                *(w.rate, w.users, w.late, w.effect),
                *(r.product.covered, r.product.bias, r.product.share),
                *(r.naive.covered, r.naive.bias, r.naive.share),
            )
            for r in run_study(options.runs, options.seed)
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()

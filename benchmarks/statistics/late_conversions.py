"""T9: one variant's conversions come days later. Is it taken for a worse one?"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.two_variants import (
    Contrast,
    compute_shares,
    fit_posterior,
    read_contrast,
)
from models_app.bandit.data import cells
from models_app.bandit.data.cells import TrainingCells, TrainingRow as Counts
from models_app.bandit.design.design import Floats

START, DAYS, BUCKETS = datetime(2030, 1, 1, tzinfo=UTC), 21, 32
HORIZON_HOURS = 168.0
PROMPT_HOURS = 6.0
HALF_AN_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class World:
    """Conversion rate, users a day, hours the second variant converts after touch.

    Lags spread over a day from there. `effect` is the second variant's true one, in
    log odds. Every evening the product learns and allocates.
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
    """After 21 days: contrasts that cover, their bias, the second variant's share."""

    covered: report.Share
    bias: report.Average
    share: report.Average


@dataclass(frozen=True, slots=True)
class Row:
    """What the product learns, and a learner to whom who has not converted has failed."""

    world: World
    product: LearnerFigures
    naive: LearnerFigures


def run_study(runs: int, seed: int, some: tuple[World, ...] = WORLDS) -> list[Row]:
    """Learn every world `runs` times, with maturity and naively."""
    return [
        Row(
            world,
            *(_run_learner(runs, seed, world, naive=naive) for naive in (False, True)),
        )
        for world in some
    ]


def _run_learner(runs: int, seed: int, world: World, *, naive: bool) -> LearnerFigures:
    rngs = [np.random.default_rng([seed, run]) for run in range(runs)]
    found = [simulate_run(rng, world, naive=naive) for rng in rngs]
    return LearnerFigures(
        report.compute_share([each.holds(world.effect) for each, _ in found]),
        report.compute_average(
            [[each.bias_percent(world.effect) / 100] for each, _ in found]
        ),
        report.compute_average([[share] for _, share in found]),
    )


@dataclass(frozen=True, slots=True)
class TouchCohort:
    """Users of a day and variant, all touched at noon, and hours until each converts."""

    day: int
    variant: int
    users: int
    lags: Floats


def simulate_run(
    rng: np.random.Generator, world: World, *, naive: bool
) -> tuple[Contrast, float]:
    """Play 21 days: the contrast learnt in the end, the second variant's share."""
    seen = _simulate_arrivals(rng, world, 0, 0.5)
    for day in range(1, DAYS):
        posterior = fit_posterior(_build_cells(seen, day, naive=naive))
        second = float(compute_shares(posterior, "default", day)[1])
        seen += _simulate_arrivals(rng, world, day, second)
    posterior = fit_posterior(_build_cells(seen, DAYS, naive=naive))
    served = sum(each.users for each in seen if each.variant == 1)
    return read_contrast(posterior), served / (DAYS * world.users)


def _simulate_arrivals(
    rng: np.random.Generator, world: World, day: int, share: float
) -> list[TouchCohort]:
    """Users of a day, the second variant's share given."""
    second = int(rng.binomial(world.users, share))
    counts = world.users - second, second
    return [
        _simulate_cohort(rng, world, day, v, users) for v, users in enumerate(counts)
    ]


def _simulate_cohort(
    rng: np.random.Generator, world: World, day: int, variant: int, users: int
) -> TouchCohort:
    odds = world.rate / (1 - world.rate) * np.exp(world.effect * variant)
    first = world.late if variant else PROMPT_HOURS
    converted = rng.binomial(users, odds / (1 + odds))
    return TouchCohort(day, variant, users, first + rng.uniform(0, 24, converted))


def _build_cells(seen: list[TouchCohort], days: int, *, naive: bool) -> TrainingCells:
    """Count what is known after so many days, as the product does."""
    as_of, lags, rows = START + timedelta(days=days), np.zeros(BUCKETS), list[Counts]()
    for each in seen:
        touched = START + timedelta(days=each.day, hours=12)
        age = (as_of - touched) / timedelta(hours=1)
        mature = age >= HORIZON_HOURS
        if mature:
            lags += np.histogram(each.lags, BUCKETS, (0, HORIZON_HOURS))[0]
        row = Counts(
            day=date(2030, 1, 1) + timedelta(days=each.day),
            policy_version=each.day,
            variant=each.variant,
            context=0,
            mature=mature,
            hour=None if mature else touched - HALF_AN_HOUR,
            users=each.users,
            converted=int((each.lags <= age).sum()),
        )
        rows.append(replace(row, mature=True, hour=None) if naive else row)
    known = lags.astype(int).tolist()
    return cells.tabulate_counts(rows, known, HORIZON_HOURS, as_of)


def main() -> None:
    options = report.parse_arguments(runs=100)
    report.print_table(
        f"T9  {DAYS} days, horizon {HORIZON_HOURS:.0f} hours, the second variant "
        f"converts late; allocated by what is learnt daily (percent)",
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

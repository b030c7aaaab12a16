"""How often baseline sanity fails: in sound worlds, and where the holdout loses rewards."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from benchmarks.statistics import report as tables
from benchmarks.statistics.amount_worlds import AMOUNTS
from metrics.stats import BaselineSanity, RewardType
from models_app.bandit.data import cells as count_cells, value_cells
from models_app.bandit.data.amount_sizes import AmountSizes
from models_app.bandit.data.cells import TrainingCells, TrainingRow
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.report import report
from models_app.bandit.rewards import fit
from optimizations.cube import cell_columns
from optimizations.cube.cell_columns import CellArrays, DayColumns
from optimizations.results.checks import baseline_check
from warehouse.sql.cube.statement import Cell

DESIGN = Design((Factor("headline", ("A", "B")), Factor("cta", ("x", "y"))))
FIRST_DAY, DAYS = date(2026, 1, 1), 10
AS_OF = datetime(2026, 2, 1, tzinfo=UTC)
HORIZON_HOURS, LAGS = 24, (1, *[0] * 31)


@dataclass(frozen=True, slots=True)
class World:
    """What users pay, how many there are a day, and how the holdout's rewards are lost."""

    amounts: str  # "bool", or a key of AMOUNTS
    users: int
    rate: float = 0.1
    holdout: float = 0.2
    kept: float = 1.0  # share of the holdout's rewards that arrive

    @property
    def kind(self) -> RewardType:
        return "bool" if self.amounts == "bool" else "numeric"


WORLDS = tuple(
    World(amounts, users) for amounts in ("bool", *AMOUNTS) for users in (200, 1000)
)
LOST = tuple(
    World(amounts, 1000, kept=kept)
    for amounts in ("bool", "lognormal 1", "lognormal 2")
    for kept in (0.0, 0.3, 0.5)
)


@dataclass(frozen=True, slots=True)
class Row:
    """The share of runs in which the check fails, and in which it can be made."""

    world: World
    failed: tables.Share
    made: tables.Share


def run_study(
    runs: int, seed: int, grid: tuple[World, ...] = (*WORLDS, *LOST)
) -> list[Row]:
    """Train in each world and check the baseline, with the product's own functions."""
    return [_run_world(np.random.default_rng(seed), runs, world) for world in grid]


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    checks = [check_world(rng, world) for _ in range(runs)]
    return Row(
        world,
        tables.compute_share([check.ok is False for check in checks]),
        tables.compute_share([check.ok is not None for check in checks]),
    )


def check_world(rng: np.random.Generator, world: World) -> BaselineSanity:
    """Let one world be learned, and check its baseline against its recent holdout."""
    drawn = list(_draw_cells(rng, world))
    rows = [row for row, _ in drawn]
    delays = (LAGS, HORIZON_HOURS, AS_OF)
    table: TrainingCells
    if world.kind == "bool":
        table = count_cells.tabulate_counts(rows, *delays)
    else:
        values = np.concatenate([values for _, values in drawn])
        table = value_cells.tabulate_amounts(rows, *delays, _bucket(values))
    fitted = fit.fit_reward(DESIGN, table).reward
    enabled = np.ones(DESIGN.variants, dtype=bool)
    figures = report.build_report(
        fitted,
        allocation.compile_policy(fitted, enabled),
        table,
        enabled=enabled,
        holdout_share=world.holdout,
        seed=0,
    )
    arrays = _build_arrays(rows)
    return baseline_check.check_report(report.to_json(figures), arrays, world.kind)


def _draw_cells(
    rng: np.random.Generator, world: World
) -> Iterator[tuple[TrainingRow, Floats]]:
    """Yield a row, with its amounts, for each day, arm and variant; none differ."""
    holdout = world.holdout
    shares = [holdout, *[(1 - holdout) / DESIGN.variants] * DESIGN.variants]
    for day in range(DAYS):
        for place, users in enumerate(rng.multinomial(world.users, shares)):
            kept = world.kept if place == 0 else 1.0
            payers = int(rng.binomial(users, world.rate * kept))
            values = np.ones(payers)
            if world.kind == "numeric":
                values = AMOUNTS[world.amounts](rng, payers)
            yield _build_row(day, place, int(users), values), values


def _build_row(day: int, place: int, users: int, values: Floats) -> TrainingRow:
    """Return a row; place 0 is the holdout, which has an hour of its own to be told by."""
    logs = np.log(values[values > 0])
    return TrainingRow(
        day=FIRST_DAY + timedelta(days=day),
        policy_version=-1 if place == 0 else 1,
        variant=max(place - 1, 0),
        context=0,
        mature=True,
        hour=None,
        users=users,
        converted=len(values),
        value_sum=float(values.sum()),
        value_sum_squares=float(values @ values),
        payers=len(logs),
        log_sum=float(logs.sum()),
        log_sum_squares=float(logs @ logs),
    )


def _bucket(values: Floats) -> AmountSizes:
    places = np.ceil(4 * np.log10(np.abs(values))).astype(np.int64)
    places -= places.min(initial=0)
    return AmountSizes.sort(
        np.bincount(places).astype(np.float64),
        np.bincount(places, np.abs(values)).astype(np.float64),
    )


def _build_arrays(rows: list[TrainingRow]) -> CellArrays:
    """Return the rows as the results see them."""
    days = sorted({row.day for row in rows})
    return cell_columns.build_arrays(
        [
            DayColumns.from_lists(
                day,
                cell_columns.collect_columns(
                    [_build_cell(row) for row in rows if row.day == day]
                ),
            )
            for day in days
        ]
    )


def _build_cell(row: TrainingRow) -> Cell:
    return Cell(
        regime=1,
        day=row.day,
        policy_version=1,
        holdout=row.policy_version == -1,
        variant=row.variant + 1,
        context=0,
        outcome=None,
        mature=True,
        hour=None,
        users=row.users,
        exposures=row.users,
        converted=row.converted,
        value_sum=row.value_sum,
        value_sum_squares=row.value_sum_squares,
        payers=row.payers,
        log_sum=row.log_sum,
        log_sum_squares=row.log_sum_squares,
    )


def main() -> None:
    options = tables.parse_arguments(runs=1000)
    tables.print_table(
        "Baseline sanity after ten days: failed and made (percent)",
        ("amounts", "users a day", "rewards kept", "failed", "made"),
        [
            (row.world.amounts, row.world.users, row.world.kept, row.failed, row.made)
            for row in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()

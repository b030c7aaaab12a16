"""Training cells of numeric and of outcome rewards: amounts and weighted outcomes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np

from models_app.bandit.data import amount_rows, cells
from models_app.bandit.data.amount_bound import AmountBound
from models_app.bandit.data.amount_sizes import AmountSizes
from models_app.bandit.data.cells import TrainingCells, TrainingRow
from models_app.bandit.design.design import Design, Floats, Integers
from warehouse.sql.shapes import FAILURE_OUTCOME

RELATIVE_TOLERANCE = 1e-9
ZERO_AMOUNTS: dict[str, Any] = {
    "value_sum": 0.0,
    "value_sum_squares": 0.0,
    "payers": 0,
    "log_sum": 0.0,
    "log_sum_squares": 0.0,
    "negatives": 0,
    "negative_log_sum": 0.0,
    "negative_log_sum_squares": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountCells(TrainingCells):
    """Cells of a numeric reward; `successes` are payers, whose value is positive.

    Attributes
    ----------
    value_sum, value_sum_squares: sums [n] of all users' values.
    log_sum, log_sum_squares: sums [n] of the natural logs of the payers' values.
    others: users [n] whose counted reward is zero or negative (refunds).
    bound: the bound that was applied to single amounts, if there were outliers.
    sign: -1 if the cells hold the negatives of the amounts, because most of them are
        negative: payers are then who lost something. Otherwise 1.

    """

    value_sum: Floats
    value_sum_squares: Floats
    log_sum: Floats
    log_sum_squares: Floats
    others: Floats
    bound: AmountBound | None = None
    sign: float = 1.0

    @property
    def rewards(self) -> Floats:
        """Sums [n] of rewards."""
        return self.sign * self.value_sum

    @property
    def has_refunds(self) -> bool:
        """Whether some value is certainly negative.

        A cell's sum is then less than its payers must have paid: at least their number
        times the geometric mean of their values (arithmetic ≥ geometric mean), or zero
        without payers.
        """
        payers = np.maximum(self.successes, 1.0)
        minimum = np.where(
            self.successes > 0, self.successes * np.exp(self.log_sum / payers), 0.0
        )
        floor = minimum * (1 - RELATIVE_TOLERANCE) - 1e-300
        return bool((self.value_sum < floor).any())


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCells(TrainingCells):
    """Cells of weighted outcomes; `successes` are users with any outcome.

    Attributes
    ----------
    counts: users [n, K] by outcome.
    keys, weights: those of the K outcomes.

    """

    counts: Floats
    keys: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def rewards(self) -> Floats:
        """Sums [n] of rewards."""
        return np.asarray(self.counts @ np.array(self.weights))


def tabulate_amounts(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
    sizes: AmountSizes | None = None,
) -> AmountCells:
    """Sum rows of a numeric reward into cells, like cells.tabulate_counts.

    Single amounts far beyond all others are bounded, see amount_rows.bound_amounts.
    Where most amounts are negative, the cells hold their negatives.
    """
    oriented_rows, sign = amount_rows.orient_amounts(list(rows))
    bounded_rows, bound = amount_rows.bound_amounts(oriented_rows, sizes)

    def list_extra_sums(row: TrainingRow) -> tuple[float, ...]:
        others = row.converted - row.payers
        logs = row.log_sum, row.log_sum_squares
        return row.value_sum, row.value_sum_squares, *logs, others

    table, sums = cells.aggregate_rows(
        bounded_rows,
        lambda row: cells.compute_row_maturity(row, lags, horizon_hours, as_of),
        list_extra_sums,
        attrgetter("payers"),
    )
    value_sum, value_squares, log_sum, log_squares, others = sums.reshape(-1, 5).T
    return AmountCells(
        **_get_columns(table),
        value_sum=value_sum,
        value_sum_squares=value_squares,
        log_sum=log_sum,
        log_sum_squares=log_squares,
        others=others,
        bound=bound,
        sign=sign,
    )


def tabulate_outcomes(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
    weights: Mapping[str, float],
) -> OutcomeCells:
    """Sum rows of weighted outcomes into cells, like cells.tabulate_counts.

    Outcomes are ordered by falling absolute weight, then by key, so that the order of
    `weights` does not matter. Raises ValueError for an outcome without a weight.
    """
    keys = sorted(weights, key=lambda key: (-abs(weights[key]), key))
    counts_by_row = _merge_outcomes(rows, keys)
    table, sums = cells.aggregate_rows(
        counts_by_row,
        lambda row: cells.compute_row_maturity(row, lags, horizon_hours, as_of),
        lambda row: counts_by_row[row].tolist(),
    )
    return OutcomeCells(
        **_get_columns(table),
        counts=sums.reshape(-1, len(keys)),
        keys=tuple(keys),
        weights=tuple(weights[key] for key in keys),
    )


def _merge_outcomes(
    rows: Iterable[TrainingRow], keys: list[str]
) -> dict[TrainingRow, Floats]:
    """Merge rows that differ only in outcome; return counts [K] by merged row."""
    column = {key: 1 + index for index, key in enumerate(keys)}
    counts_by_row: dict[TrainingRow, Floats] = {}
    for row in rows:
        counts = np.zeros(1 + len(keys))
        counts[0] = row.users
        if row.outcome not in {None, FAILURE_OUTCOME}:
            if row.outcome not in column:
                raise ValueError(f"outcome: {row.outcome} has no weight")
            counts[column[row.outcome]] = row.users
        merged = replace(row, users=0, converted=0, outcome=None, **ZERO_AMOUNTS)
        if merged in counts_by_row:
            counts = counts_by_row[merged] + counts
        counts_by_row[merged] = counts
    return {
        replace(row, users=int(counts[0]), converted=int(counts[1:].sum())): counts[1:]
        for row, counts in counts_by_row.items()
    }


def select_cells(table: AmountCells, indices: Integers) -> AmountCells:
    """Return the cells at the indices, in that order; the strata stay."""
    columns = _get_columns(table)
    for name, column in columns.items():
        if name not in {"stratum_time", "bound", "sign"} and column is not None:
            columns[name] = column[indices]
    return AmountCells(**columns)


def select_mature_cells(table: AmountCells) -> AmountCells:
    """Return the cells of mature users, or all cells before any mature user has paid.

    Where nobody ever paid, any reward of a mature user counts instead, as of negative
    amounts whose logs were not counted.

    Sums of immature users may still grow when they pay again, and the histogram of lags
    cannot tell by how much: it counts first rewards only.
    """
    if table.maturity is None:
        return table
    mature = select_cells(table, np.flatnonzero(table.maturity >= 1))
    rewarded = mature.successes if table.successes.any() else mature.others
    return mature if rewarded.any() else table


def validate_value_cells(table: AmountCells | OutcomeCells, design: Design) -> None:
    """Raise ValueError, naming the field, if counts or sums are impossible."""
    cells.validate_cells(table, design)
    for name in ("value_sum", "value_sum_squares", "log_sum", "log_sum_squares"):
        value = getattr(table, name, None)
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"{name}: must be finite")
        if value is not None and value.shape != table.stratum.shape:
            raise ValueError(f"{name}: must have one entry per cell")
    if isinstance(table, OutcomeCells):
        if not table.keys or not np.isfinite(table.weights).all():
            raise ValueError("weights: must be finite and at least one")
        if table.counts.shape != (len(table.stratum), len(table.keys)):
            raise ValueError(
                "counts: must have one row per cell and one column per outcome"
            )
        if not np.allclose(table.counts.sum(axis=1), table.successes):
            raise ValueError("counts: must add up to successes")


def _get_columns(table: TrainingCells) -> dict[str, Any]:
    return {field.name: getattr(table, field.name) for field in fields(table)}

"""Cells of rewards that are more than a chance: amounts, and weighted outcomes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np

from models_app.bandit.data import cells
from models_app.bandit.data.cells import TrainingCells, TrainingRow
from models_app.bandit.design.design import Design, Floats, Integers

FAILURE = "failure"
RELATIVE_TOLERANCE = 1e-9
ZERO_AMOUNTS: dict[str, Any] = {
    "value_sum": 0.0,
    "value_sum_squares": 0.0,
    "payers": 0,
    "log_sum": 0.0,
    "log_sum_squares": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountCells(TrainingCells):
    """Cells of a numeric reward; `successes` are payers, whose value is positive.

    Parameters
    ----------
    value_sum, value_sum_squares: of all users' values [n].
    log_sum, log_sum_squares: of the logarithms of the payers' values [n].
    others: users [n] who were rewarded with nothing or less (refunds).

    """

    value_sum: Floats
    value_sum_squares: Floats
    log_sum: Floats
    log_sum_squares: Floats
    others: Floats

    @property
    def total(self) -> float:
        """Sum of rewards."""
        return float(self.value_sum.sum())

    @property
    def has_refunds(self) -> bool:
        """Whether some value is certainly negative.

        In a cell without payers the sum then is; elsewhere it falls short of what
        payers alone must have paid (the arithmetic mean is at least the geometric).
        """
        paid = np.maximum(self.successes, 1.0)
        least = np.where(
            self.successes > 0, self.successes * np.exp(self.log_sum / paid), 0.0
        )
        return bool((self.value_sum < least * (1 - RELATIVE_TOLERANCE) - 1e-300).any())


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCells(TrainingCells):
    """Cells of weighted outcomes; `successes` are users with any of them.

    Parameters
    ----------
    counts: users [n, K] by outcome.
    keys, weights: of the K outcomes.

    """

    counts: Floats
    keys: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def total(self) -> float:
        """Sum of rewards."""
        return float((self.counts @ np.array(self.weights)).sum())


def tabulate_amounts(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
) -> AmountCells:
    """Sum rows of a numeric reward into cells, as cells.tabulate does."""

    def list_extra_sums(row: TrainingRow) -> tuple[float, ...]:
        others = row.converted - row.payers
        logs = row.log_sum, row.log_sum_squares
        return row.value_sum, row.value_sum_squares, *logs, others

    table, sums = cells.aggregate_rows(
        rows,
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
    )


def tabulate_outcomes(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
    weights: Mapping[str, float],
) -> OutcomeCells:
    """Sum rows of weighted outcomes into cells, as cells.tabulate does.

    Rows of users alike but for their outcome belong together. Outcomes stand by falling
    weight, so that the order in which they were named does not matter. Raises ValueError
    for an outcome without a weight.
    """
    keys = sorted(weights, key=lambda key: (-abs(weights[key]), key))
    place = {key: index for index, key in enumerate(keys)}
    merged: dict[TrainingRow, Floats] = {}
    for row in rows:
        counts = np.zeros(1 + len(keys))
        counts[0] = row.users
        if row.outcome not in {None, FAILURE}:
            if row.outcome not in place:
                raise ValueError(f"outcome: {row.outcome} has no weight")
            counts[1 + place[row.outcome]] = row.users
        alike = replace(row, users=0, converted=0, outcome=None, **ZERO_AMOUNTS)
        merged[alike] = merged[alike] + counts if alike in merged else counts
    whole = {
        replace(row, users=int(counts[0]), converted=int(counts[1:].sum())): counts[1:]
        for row, counts in merged.items()
    }
    table, sums = cells.aggregate_rows(
        whole,
        lambda row: cells.compute_row_maturity(row, lags, horizon_hours, as_of),
        lambda row: whole[row].tolist(),
    )
    ordered = tuple(weights[key] for key in keys)
    counted = sums.reshape(-1, len(keys))
    return OutcomeCells(
        **_get_columns(table), counts=counted, keys=tuple(keys), weights=ordered
    )


def select_cells(table: AmountCells, kept: Integers) -> AmountCells:
    """Keep some of the cells, by index, in that order; the strata stay."""
    columns = _get_columns(table)
    for name, column in columns.items():
        if name != "stratum_time" and column is not None:
            columns[name] = column[kept]
    return AmountCells(**columns)


def select_mature_cells(table: AmountCells) -> AmountCells:
    """Keep mature users, whose sums can no longer grow; all, before any of those paid.

    Who comes back within the horizon pays more than shows so far, and the histogram of
    lags is that of first rewards alone.
    """
    if table.maturity is None:
        return table
    kept = np.flatnonzero(table.maturity >= 1)
    mature = select_cells(table, kept)
    return mature if mature.successes.any() else table


def validate_value_cells(table: AmountCells | OutcomeCells, design: Design) -> None:
    """Raise ValueError, naming the field, for sums that cannot be."""
    cells.validate_cells(table, design)
    for name in ("value_sum", "value_sum_squares", "log_sum", "log_sum_squares"):
        value = getattr(table, name, None)
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"{name}: must be finite")
        if value is not None and value.shape != table.stratum.shape:
            raise ValueError(f"{name}: one entry per cell is needed")
    if isinstance(table, OutcomeCells):
        if not table.keys or not np.isfinite(table.weights).all():
            raise ValueError("weights: at least one, all finite")
        if table.counts.shape != (len(table.stratum), len(table.keys)):
            raise ValueError("counts: one column per outcome is needed")
        if not np.allclose(table.counts.sum(axis=1), table.successes):
            raise ValueError("counts: must add up to successes")


def _get_columns(table: TrainingCells) -> dict[str, Any]:
    return {field.name: getattr(table, field.name) for field in fields(table)}

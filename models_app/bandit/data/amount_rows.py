"""Rows of amounts before they are summed: most made positive, outliers bounded."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models_app.bandit.data import amount_bound, amount_sizes, bounded_amounts
from models_app.bandit.data.amount_bound import AmountBound, AmountSums
from models_app.bandit.data.amount_sizes import AmountSizes
from models_app.bandit.data.cells import TrainingRow

AMOUNT_COLUMNS = (
    *("converted", "payers", "value_sum", "value_sum_squares"),
    *("log_sum", "log_sum_squares"),
)


def orient_amounts(
    rows: Sequence[TrainingRow],
) -> tuple[Sequence[TrainingRow], float]:
    """Return rows in which most amounts are positive, and the sign that restores them.

    Costs of 5 and losses of -5 are then learned alike, by the logs of their sizes, and
    only the sign of the reward tells them apart. Where the logs of negative amounts
    were not counted, the rows stay as they are.
    """
    if any(row.value_sum < 0 and not row.negatives for row in rows):
        return rows, 1.0
    positive = sum(row.payers for row in rows)
    negative = sum(row.negatives for row in rows)
    is_negative = negative > positive or (
        negative == positive and sum(row.value_sum for row in rows) < 0
    )
    return (
        ([_negate_amounts(row) for row in rows], -1.0) if is_negative else (rows, 1.0)
    )


def _negate_amounts(row: TrainingRow) -> TrainingRow:
    return replace(
        row,
        value_sum=-row.value_sum,
        payers=row.negatives,
        log_sum=row.negative_log_sum,
        log_sum_squares=row.negative_log_sum_squares,
        negatives=row.payers,
        negative_log_sum=row.log_sum,
        negative_log_sum_squares=row.log_sum_squares,
    )


def bound_amounts(
    rows: Sequence[TrainingRow], sizes: AmountSizes | None = None
) -> tuple[Sequence[TrainingRow], AmountBound | None]:
    """Return the rows with outliers bounded, and the bound; None without outliers.

    `sizes` are those of single mature amounts, where they were counted: they tell any
    number of outliers. Where they hold every mature amount, they alone decide, so that
    the model bounds what the check of whales names. The sums of the rows tell a few.
    """
    columns = np.array(
        [[getattr(row, name) for name in AMOUNT_COLUMNS] for row in rows]
    )
    converted, payers, sums, squares, logs, log_squares = columns.reshape(-1, 6).T
    moments = AmountSums.from_moments(converted, sums, squares)
    has_logs = payers == converted
    amounts = AmountSums(
        np.where(has_logs, converted, moments.counts),
        sums,
        squares,
        np.where(has_logs, logs, moments.log_sums),
        np.where(has_logs, log_squares, moments.log_squares),
    )
    bound = None if sizes is None else amount_sizes.find_bound(sizes)
    if bound is None and not _has_all_sizes(rows, sizes):
        bound = amount_bound.find_bound(amounts)
    if bound is None:
        return rows, None
    after = bounded_amounts.apply_bound(amounts, bound)
    return [
        replace(
            row,
            value_sum=float(after.sums[place]),
            value_sum_squares=float(after.squares[place]),
            log_sum=float(after.log_sums[place] if has_logs[place] else row.log_sum),
            log_sum_squares=float(
                after.log_squares[place] if has_logs[place] else row.log_sum_squares
            ),
        )
        for place, row in enumerate(rows)
    ], bound


def _has_all_sizes(rows: Sequence[TrainingRow], sizes: AmountSizes | None) -> bool:
    """Return whether there are sizes of every mature amount, and of at least one."""
    mature = sum(row.converted for row in rows if row.mature)
    return sizes is not None and 0 < mature <= sizes.counts.sum()

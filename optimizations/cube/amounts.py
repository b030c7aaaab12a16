"""What payers paid, as sums over stored days: the cap, and the arms of each regime. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.stats import Totals
from metrics.stats.companions import ArmAmounts
from optimizations.cube import cell_groups
from optimizations.cube.cell_columns import (
    CellArrays,
    DayColumns,
    Floats,
    Integers,
    PaymentArrays,
)
from optimizations.cube.cell_groups import GroupKey
from warehouse.sql.cube.amount_buckets import BUCKETS, EDGES

# The cap is what CAP_SHARE of the payers of the first CAP_DAYS days stay under; with fewer
# than CAP_PAYERS of them, more days are taken.
CAP_DAYS = 7
CAP_PAYERS = 50
CAP_SHARE = 0.8

NO_USERS = Totals(0, 0.0, 0.0)
AmountPair = tuple[ArmAmounts, ArmAmounts]  # optimized, holdout


def find_cap(days: Iterable[DayColumns]) -> float | None:
    """Return the cap from the first days, ascending; None if they do not tell it yet.

    It is rounded up to an edge of the buckets. Days count until the first one with users
    whose horizon is not over, or without buckets.
    """
    first: int | None = None
    users: Integers = np.zeros(BUCKETS + 1, dtype=np.int64)
    for day in days:
        if not len(day):
            continue
        if day.amounts is None or not day.columns["mature"].all():
            return None
        ordinal = day.day.toordinal()
        first = ordinal if first is None else first
        for bucket, count in zip(
            day.amounts["bucket"], day.amounts["users"], strict=True
        ):
            users[max(bucket, 0)] += count
        users[0] = 0  # refunds are no payments
        if ordinal - first >= CAP_DAYS - 1 and users.sum() >= CAP_PAYERS:
            return _find_quantile(users)
    return None


def _find_quantile(users: Integers) -> float | None:
    """Return the lowest edge that CAP_SHARE of the payers stay under."""
    bucket = int(np.searchsorted(users.cumsum(), CAP_SHARE * users.sum()))
    return EDGES[bucket - 1] if bucket <= len(EDGES) else None


def count_days_without_buckets(days: Sequence[DayColumns]) -> int:
    """Return how many days with users were counted before there were buckets."""
    return sum(1 for day in days if day.amounts is None and len(day))


def build_strata(
    cells: CellArrays,
    payments: PaymentArrays,
    days: Sequence[DayColumns],
    cap: float | None,
) -> list[AmountPair]:
    """Return what the mature users of both arms paid, for each regime, ascending.

    Without a `cap` nothing is capped. Every day with users must have buckets if there is one.
    """
    mature = cells.mature
    groups = cell_groups.group_cells((cells.regime[mature], cells.holdout[mature]))
    sums = zip(
        groups.sum_integers(cells.users[mature]),
        groups.sum_integers(payments.payers[mature]),
        groups.sum_values(payments.log_sum[mature]),
        groups.sum_values(payments.log_sum_squares[mature]),
        strict=True,
    )
    capped = {} if cap is None else _sum_capped(days, cap)
    arms = {
        key: ArmAmounts(
            users,
            Totals(payers, log_sum, log_squares) if payers else NO_USERS,
            None if cap is None else Totals(users, *capped.get(key, (0.0, 0.0))),
        )
        for key, (users, payers, log_sum, log_squares) in zip(
            groups.keys, sums, strict=True
        )
    }
    empty = ArmAmounts(0, NO_USERS, None if cap is None else NO_USERS)
    return [
        (arms.get((regime, 0), empty), arms.get((regime, 1), empty))
        for regime in sorted({regime for regime, _ in arms})
    ]


def _sum_capped(
    days: Sequence[DayColumns], cap: float
) -> dict[GroupKey, tuple[float, float]]:
    """Return sums and sums of squares of values cut to ±cap, by regime and arm."""
    last = bisect_left(EDGES, cap) + 1
    regime, holdout, bucket, users = (
        read_buckets(days, name) for name in ("regime", "holdout", "bucket", "users")
    )
    is_cut = np.abs(bucket) > last
    cut = cap * users * is_cut
    sums = np.where(is_cut, np.sign(bucket) * cut, read_buckets(days, "value_sum"))
    squares = np.where(is_cut, cap * cut, read_buckets(days, "value_sum_squares"))
    groups = cell_groups.group_cells(
        (regime.astype(np.int64), holdout.astype(np.bool_))
    )
    both = zip(groups.sum_values(sums), groups.sum_values(squares), strict=True)
    return dict(zip(groups.keys, both, strict=True))


def read_buckets(days: Sequence[DayColumns], name: str) -> Floats:
    """Return a column of the buckets of all days."""
    columns: list[NDArray[np.float64]] = [
        np.array(day.amounts[name], dtype=np.float64)
        for day in days
        if day.amounts is not None
    ]
    return np.concatenate(columns) if columns else np.zeros(0)

"""The measured lift as of the end of each day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from metrics.stats.lift import measure_lift
from metrics.stats.lift_result import Direction, Lift, RewardType
from metrics.stats.totals import EMPTY_TOTALS, Stratum, Totals


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Both arms of one regime on one day of first touch."""

    day: date
    regime: int
    optimized: Totals
    holdout: Totals


def compute_cumulative_lift(
    rows: Iterable[DayTotals],
    kind: RewardType,
    *,
    direction: Direction = "increase",
    expected_users: int | None = None,
) -> tuple[tuple[date, Lift], ...]:
    """Return the lift over all users up to each day that has rows, in order."""
    strata: dict[int, Stratum] = {}
    history = []
    ordered = sorted(rows, key=lambda row: (row.day, row.regime))
    for day, group in groupby(ordered, key=lambda row: row.day):
        for row in group:
            optimized, holdout = strata.get(row.regime, (EMPTY_TOTALS, EMPTY_TOTALS))
            strata[row.regime] = (optimized + row.optimized, holdout + row.holdout)
        lift = measure_lift(
            [strata[regime] for regime in sorted(strata)],
            kind,
            direction=direction,
            expected_users=expected_users,
        )
        history.append((day, lift))
    return tuple(history)

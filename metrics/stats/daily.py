"""The measured lift as it stood at the end of each day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from metrics.stats.answer import Direction, Kind, Lift
from metrics.stats.lift import measured
from metrics.stats.totals import EMPTY, Stratum, Totals


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Both arms of one regime on one day of first touch."""

    day: date
    regime: int
    optimized: Totals
    holdout: Totals


def cumulative(
    rows: Iterable[DayTotals],
    kind: Kind,
    *,
    direction: Direction = "increase",
    expected_users: int | None = None,
) -> tuple[tuple[date, Lift], ...]:
    """Lift over all users up to and including each day that has rows, in order."""
    sums: dict[int, Stratum] = {}
    history = []
    ordered = sorted(rows, key=lambda row: (row.day, row.regime))
    for day, group in groupby(ordered, key=lambda row: row.day):
        for row in group:
            optimized, holdout = sums.get(row.regime, (EMPTY, EMPTY))
            sums[row.regime] = (optimized + row.optimized, holdout + row.holdout)
        strata = [sums[regime] for regime in sorted(sums)]
        lift = measured(
            strata, kind, direction=direction, expected_users=expected_users
        )
        history.append((day, lift))
    return tuple(history)

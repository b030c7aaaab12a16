"""Sums over cells by brute force, one cell at a time."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, TypeVar

from metrics.stats import EMPTY_TOTALS, Totals
from optimizations.cube.aggregates import Counts
from warehouse.sql.cube.statement import Cell

Key = TypeVar("Key")
ARMS = (False, True)
MixRow = tuple[date, bool, int, str, int, int]


def count_by_key(
    cells: Iterable[Cell], key: Callable[[Cell], Key]
) -> dict[Key, Counts]:
    """Return counts grouped by `key(cell)`, in the order of first cells."""
    counts: dict[Key, Counts] = {}
    for cell in cells:
        own = Counts(cell.users, cell.exposures, cell.converted)
        counts[key(cell)] = counts.get(key(cell), Counts()) + own
    return counts


def compute_totals(cells: Iterable[Cell], kind: str) -> Totals:
    """Return totals; values are added in the order of the cells."""
    cells = list(cells)
    users = sum(cell.users for cell in cells)
    converted = sum(cell.converted for cell in cells)
    if kind == "bool":
        return Totals.from_conversions(users, converted)
    return Totals(
        users,
        _add_up(cell.value_sum for cell in cells),
        _add_up(cell.value_sum_squares for cell in cells),
        converted,
    )


def _add_up(values: Iterable[float]) -> float:
    """Return the sum of values added one after another, which `sum` may do otherwise."""
    total = 0.0
    for value in values:
        total += value
    return total


def compute_day_totals(cells: Iterable[Cell], kind: str) -> list[Any]:
    """Return (day, regime, optimized, holdout) of mature users."""
    mature = [cell for cell in cells if cell.mature]
    return [
        (day, regime, *(_select_arm(mature, day, regime, arm, kind) for arm in ARMS))
        for day, regime in sorted({(cell.day, cell.regime) for cell in mature})
    ]


def _select_arm(
    cells: Iterable[Cell], day: date, regime: int, holdout: bool, kind: str
) -> Totals:
    own = (day, regime, holdout)
    return compute_totals(
        (cell for cell in cells if (cell.day, cell.regime, cell.holdout) == own), kind
    )


def select_recent_holdout(
    cells: Iterable[Cell], kind: str, users: float
) -> tuple[Cell, ...]:
    """Return the mature holdout cells of the days that suffice, the last day first."""
    holdout = [cell for cell in cells if cell.holdout and cell.mature]
    last = max((cell.day for cell in holdout), default=date.min)
    recent: list[Cell] = []
    totals = EMPTY_TOTALS
    week = timedelta(days=7)
    for day in sorted({cell.day for cell in holdout if last - cell.day < week})[::-1]:
        day_cells = [cell for cell in holdout if cell.day == day]
        recent += day_cells
        totals += compute_totals(day_cells, kind)
        is_enough = totals.users >= 100 and totals.converted_at_least >= 5
        if is_enough and totals.users >= users:
            break
    return tuple(recent)


def count_mix(cells: Iterable[Cell]) -> list[MixRow]:
    """Return (day, in_holdout, variant, outcome, context, users), sorted."""
    users: dict[tuple[date, bool, int, str, int], int] = {}
    for cell in cells:
        parts = (
            {"__converted__": cell.converted, "failure": cell.users - cell.converted}
            if cell.outcome is None
            else {cell.outcome: cell.users}
        )
        for outcome, count in parts.items():
            key = (cell.day, cell.holdout, cell.variant, outcome, cell.context)
            users[key] = users.get(key, 0) + count
    return [(*key, count) for key, count in sorted(users.items())]

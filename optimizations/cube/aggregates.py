"""Sums over stored cells, the source of every figure about observations. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from metrics.stats import EMPTY_TOTALS, DayTotals, Split, Stratum, Totals, minimum_data
from models_app.bandit.design.design import Design
from warehouse.sql.cube.statement import Cell

Key = TypeVar("Key")
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Counts:
    """Users, raw exposures, and users with a counted reward."""

    users: int = 0
    exposures: int = 0
    conversions: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.users + other.users,
            self.exposures + other.exposures,
            self.conversions + other.conversions,
        )


def count_by_key(
    cells: Iterable[Cell], key: Callable[[Cell], Key]
) -> dict[Key, Counts]:
    """Return the counts of all users, mature or not, grouped by `key(cell)`."""
    counts: defaultdict[Key, Counts] = defaultdict(Counts)
    for cell in cells:
        counts[key(cell)] += Counts(cell.users, cell.exposures, cell.converted)
    return dict(counts)


def compute_totals(cells: Iterable[Cell], kind: str) -> Totals:
    """Return the totals of cells; `kind` is the metric's reward type."""
    cells = list(cells)
    users = sum(cell.users for cell in cells)
    converted = sum(cell.converted for cell in cells)
    if kind == "bool":
        return Totals.from_conversions(users, converted)
    return Totals(
        users,
        sum(cell.value_sum for cell in cells),
        sum(cell.value_sum_squares for cell in cells),
        converted,
    )


def compute_strata(cells: Iterable[Cell], kind: str) -> dict[int, Stratum]:
    """Return (optimized, holdout) totals of mature users by regime, ascending."""
    days = compute_day_totals(cells, kind)
    strata: dict[int, Stratum] = {}
    for day in sorted(days, key=lambda day: day.regime):
        optimized, holdout = strata.get(day.regime, (EMPTY_TOTALS, EMPTY_TOTALS))
        strata[day.regime] = (optimized + day.optimized, holdout + day.holdout)
    return strata


def compute_day_totals(cells: Iterable[Cell], kind: str) -> list[DayTotals]:
    """Return both arms' totals of mature users by day of first touch and regime."""
    groups: defaultdict[tuple[date, int, bool], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.mature:
            groups[cell.day, cell.regime, cell.holdout].append(cell)
    days = sorted({(day, regime) for day, regime, _holdout in groups})
    return [
        DayTotals(
            day,
            regime,
            compute_totals(groups.get((day, regime, False), ()), kind),
            compute_totals(groups.get((day, regime, True), ()), kind),
        )
        for day, regime in days
    ]


def compute_splits(cells: Iterable[Cell], shares: Mapping[int, float]) -> list[Split]:
    """Return all users by arm of each regime; `shares` are holdout shares (0..1)."""
    arms = count_by_key(cells, lambda cell: (cell.regime, cell.holdout))
    return [
        Split(
            arms.get((regime, False), Counts()).users,
            arms.get((regime, True), Counts()).users,
            share,
        )
        for regime, share in shares.items()
    ]


def select_recent_holdout(
    cells: Iterable[Cell], kind: str, error: float = 0.0
) -> tuple[Cell, ...]:
    """Return the mature holdout cells of the last days that have any, at most seven.

    Takes only as many days as give their mean a standard error of at most `error`. A
    model describes its last day, and the mean of earlier days may really differ.
    """
    holdout = [cell for cell in cells if cell.holdout and cell.mature]
    last = max((cell.day for cell in holdout), default=date.min)
    recent, totals = [], EMPTY_TOTALS
    for day in sorted({cell.day for cell in holdout if last - cell.day < WEEK})[::-1]:
        day_cells = [cell for cell in holdout if cell.day == day]
        recent += day_cells
        totals += compute_totals(day_cells, kind)
        if _has_enough_support(totals) and totals.standard_error <= error:
            break
    return tuple(recent)


def _has_enough_support(totals: Totals) -> bool:
    enough = totals.converted_at_least >= minimum_data.MINIMUM_CONVERSIONS
    return enough and totals.users >= minimum_data.MINIMUM_USERS


def count_first_week_users(cells: Iterable[Cell], as_of: datetime | None) -> int | None:
    """Count the users of the first seven days; None until those days are over."""
    cells = list(cells)
    if not cells or as_of is None:
        return None
    first = min(cell.day for cell in cells)
    if as_of.astimezone(UTC).date() - first < WEEK:
        return None
    return sum(cell.users for cell in cells if cell.day - first < WEEK)


def count_by_level(cells: Iterable[Cell], design: Design) -> dict[str, Any]:
    """Return counts for a report: by variant, and by context level and variant.

    `{"variants": {number: counts}, "contexts": {factor: {level: {number: counts}}},
    "segments": {cell_index: users}}` with the context cells as `segments`, counts as
    `{"users", "exposures", "conversions"}` and numbers as text. Users whose variant is not in the design are in `segments` only.
    """
    users_by_context_cell: defaultdict[str, int] = defaultdict(int)
    variants: defaultdict[int, Counts] = defaultdict(Counts)
    levels: defaultdict[tuple[str, str, int], Counts] = defaultdict(Counts)
    counts_by_key = count_by_key(cells, lambda cell: (cell.context, cell.variant))
    for (cell_index, variant), counts in counts_by_key.items():
        users_by_context_cell[str(cell_index)] += counts.users
        if not variant:
            continue
        variants[variant] += counts
        for index, factor in enumerate(design.contexts):
            level_index = int(design.context_levels[cell_index, index])
            level = design.level_name(index, level_index)
            levels[factor.name, level, variant] += counts
    contexts: dict[str, dict[str, dict[str, Any]]] = {}
    for (name, level, variant), counts in sorted(levels.items()):
        by_variant = contexts.setdefault(name, {}).setdefault(level, {})
        by_variant[str(variant)] = _format_counts(counts)
    return {
        "variants": {
            str(number): _format_counts(variants[number]) for number in sorted(variants)
        },
        "contexts": contexts,
        "segments": dict(users_by_context_cell),
    }


def _format_counts(counts: Counts) -> dict[str, int]:
    return {
        "users": counts.users,
        "exposures": counts.exposures,
        "conversions": counts.conversions,
    }

"""Sums over stored cells, the source of every figure about observations. Pure."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from metrics.stats import (
    EMPTY_TOTALS,
    DaySplit,
    DayTotals,
    Split,
    Stratum,
    Totals,
    minimum_data,
)
from models_app.bandit.design.design import Design
from optimizations.cube import cell_groups
from optimizations.cube.cell_columns import CellArrays, Flags, Integers
from optimizations.cube.cell_groups import CellGroups, GroupKey

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
    cells: CellArrays, *columns: Integers | Flags
) -> dict[GroupKey, Counts]:
    """Return the counts of all users, mature or not, grouped by columns [n]."""
    return _count_groups(cells, cell_groups.group_cells(columns))


def _count_groups(cells: CellArrays, groups: CellGroups) -> dict[GroupKey, Counts]:
    users = groups.sum_integers(cells.users)
    exposures = groups.sum_integers(cells.exposures)
    converted = groups.sum_integers(cells.converted)
    counts = map(Counts, users, exposures, converted)
    return dict(zip(groups.keys, counts, strict=True))


def compute_totals_by_key(
    cells: CellArrays, kind: str, *columns: Integers | Flags
) -> dict[GroupKey, Totals]:
    """Return totals grouped by columns [n]; `kind` is the metric's reward type."""
    groups = cell_groups.group_cells(columns)
    counts = _count_groups(cells, groups)
    if kind == "bool":
        return {
            key: Totals.from_conversions(group.users, group.conversions)
            for key, group in counts.items()
        }
    value_sums = groups.sum_values(cells.value_sum)
    square_sums = groups.sum_values(cells.value_sum_squares)
    return {
        key: Totals(group.users, value_sum, square_sum, group.conversions)
        for (key, group), value_sum, square_sum in zip(
            counts.items(), value_sums, square_sums, strict=True
        )
    }


def compute_totals(cells: CellArrays, kind: str) -> Totals:
    """Return the totals of all cells; `kind` is the metric's reward type."""
    together = np.zeros(len(cells), dtype=np.int64)
    totals = compute_totals_by_key(cells, kind, together)
    return totals.get((0,), EMPTY_TOTALS)


def compute_strata(cells: CellArrays, kind: str) -> dict[int, Stratum]:
    """Return (optimized, holdout) totals of mature users by regime, ascending."""
    days = compute_day_totals(cells, kind)
    strata: dict[int, Stratum] = {}
    for day in sorted(days, key=lambda day: day.regime):
        optimized, holdout = strata.get(day.regime, (EMPTY_TOTALS, EMPTY_TOTALS))
        strata[day.regime] = (optimized + day.optimized, holdout + day.holdout)
    return strata


def compute_day_totals(cells: CellArrays, kind: str) -> list[DayTotals]:
    """Return both arms' totals of mature users by day of first touch and regime."""
    mature = cells.select(cells.mature)
    totals = compute_totals_by_key(
        mature, kind, mature.day, mature.regime, mature.holdout
    )
    return [
        DayTotals(
            date.fromordinal(day),
            regime,
            totals.get((day, regime, False), EMPTY_TOTALS),
            totals.get((day, regime, True), EMPTY_TOTALS),
        )
        for day, regime in sorted({(day, regime) for day, regime, _holdout in totals})
    ]


def compute_splits(cells: CellArrays, shares: Mapping[int, float]) -> list[Split]:
    """Return all users by arm of each regime; `shares` are holdout shares (0..1)."""
    arms = count_by_key(cells, cells.regime, cells.holdout)
    return [
        Split(
            arms.get((regime, False), Counts()).users,
            arms.get((regime, True), Counts()).users,
            share,
        )
        for regime, share in shares.items()
    ]


def compute_day_splits(
    cells: CellArrays, shares: Mapping[int, float]
) -> list[DaySplit]:
    """Return all users by arm of each regime and day of first touch."""
    arms = count_by_key(cells, cells.regime, cells.day, cells.holdout)
    days = sorted({(regime, day) for regime, day, _holdout in arms})
    return [
        DaySplit(
            date.fromordinal(day),
            regime,
            Split(
                arms.get((regime, day, False), Counts()).users,
                arms.get((regime, day, True), Counts()).users,
                shares[regime],
            ),
        )
        for regime, day in days
        if regime in shares
    ]


def select_recent_holdout(
    cells: CellArrays, kind: str, users: float = math.inf
) -> CellArrays:
    """Return the mature holdout cells of the last days that have any, at most seven.

    Takes only as many days as have that many `users`. A model describes its last day, and
    the mean of earlier days may really differ. The number must not depend on what these
    users paid: days would be taken until they happen to be alike.
    """
    holdout = cells.select(cells.holdout & cells.mature)
    recent = holdout.select(holdout.day > holdout.day.max(initial=0) - WEEK.days)
    positions: list[Integers] = []
    totals = EMPTY_TOTALS
    for day in np.unique(recent.day)[::-1]:
        positions.append(np.flatnonzero(recent.day == day))
        totals += compute_totals(recent.select(positions[-1]), kind)
        if _has_enough_support(totals) and totals.users >= users:
            break
    return recent.select(np.concatenate([np.zeros(0, dtype=np.int64), *positions]))


def _has_enough_support(totals: Totals) -> bool:
    enough = totals.converted_at_least >= minimum_data.MINIMUM_CONVERSIONS
    return enough and totals.users >= minimum_data.MINIMUM_USERS


def select_days(cells: CellArrays, first: date, last: date) -> CellArrays:
    """Return the cells of users whose first touch was on one of these days (UTC)."""
    is_between = (cells.day >= first.toordinal()) & (cells.day <= last.toordinal())
    return cells.select(is_between)


def count_by_level(cells: CellArrays, design: Design) -> dict[str, Any]:
    """Return counts for a report: by variant, and by context level and variant.

    `{"variants": {number: counts}, "contexts": {factor: {level: {number: counts}}},
    "segments": {cell_index: users}}` with the context cells as `segments`, counts as
    `{"users", "exposures", "conversions"}` and numbers as text. Users whose variant is
    not in the design are in `segments` only.
    """
    users_by_context_cell: defaultdict[str, int] = defaultdict(int)
    variants: defaultdict[int, Counts] = defaultdict(Counts)
    levels: defaultdict[tuple[str, str, int], Counts] = defaultdict(Counts)
    counts_by_key = count_by_key(cells, cells.context, cells.variant)
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

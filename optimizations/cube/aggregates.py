"""Sums over the stored cells: what every figure about observations is made of. Pure."""

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
    """Add up counts of all users, mature or not, by what `key` says of a cell."""
    found: defaultdict[Key, Counts] = defaultdict(Counts)
    for cell in cells:
        found[key(cell)] += Counts(cell.users, cell.exposures, cell.converted)
    return dict(found)


def compute_totals(cells: Iterable[Cell], kind: str) -> Totals:
    """Add up values per user; `kind` is the metric's reward type."""
    chosen = list(cells)
    users = sum(cell.users for cell in chosen)
    converted = sum(cell.converted for cell in chosen)
    if kind == "bool":
        return Totals.from_conversions(users, converted)
    return Totals(
        users,
        sum(cell.value_sum for cell in chosen),
        sum(cell.value_sum_squares for cell in chosen),
        converted,
    )


def compute_strata(cells: Iterable[Cell], kind: str) -> dict[int, Stratum]:
    """Return (optimized, holdout) totals of mature users by regime, ascending."""
    rows = compute_day_totals(cells, kind)
    found: dict[int, Stratum] = {}
    for row in sorted(rows, key=lambda row: row.regime):
        optimized, holdout = found.get(row.regime, (EMPTY_TOTALS, EMPTY_TOTALS))
        found[row.regime] = (optimized + row.optimized, holdout + row.holdout)
    return found


def compute_day_totals(cells: Iterable[Cell], kind: str) -> list[DayTotals]:
    """Return both arms' totals of mature users by regime and day of first touch."""
    groups: defaultdict[tuple[date, int, bool], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.mature:
            groups[cell.day, cell.regime, cell.holdout].append(cell)
    places = sorted({place[:2] for place in groups})
    return [
        DayTotals(
            day,
            regime,
            compute_totals(groups.get((day, regime, False), ()), kind),
            compute_totals(groups.get((day, regime, True), ()), kind),
        )
        for day, regime in places
    ]


def compute_splits(cells: Iterable[Cell], shares: Mapping[int, float]) -> list[Split]:
    """Return all users by arm of each regime, with its holdout share (0..1)."""
    found = count_by_key(cells, lambda cell: (cell.regime, cell.holdout))
    return [
        Split(
            found.get((regime, False), Counts()).users,
            found.get((regime, True), Counts()).users,
            share,
        )
        for regime, share in shares.items()
    ]


def select_recent_holdout(
    cells: Iterable[Cell], kind: str, error: float = 0.0
) -> tuple[Cell, ...]:
    """Return the mature holdout cells of the last days that have any, seven at most.

    No more days than it takes to know their mean to a standard error of `error`: a model
    speaks of its last day, and the days before may truly have differed.
    """
    held = [cell for cell in cells if cell.holdout and cell.mature]
    last = max((cell.day for cell in held), default=date.min)
    chosen, found = [], EMPTY_TOTALS
    for day in sorted({cell.day for cell in held if last - cell.day < WEEK})[::-1]:
        chosen += (today := [cell for cell in held if cell.day == day])
        found += compute_totals(today, kind)
        if _has_enough_support(found) and found.standard_error <= error:
            break
    return tuple(chosen)


def _has_enough_support(found: Totals) -> bool:
    enough = found.converted_at_least >= minimum_data.MINIMUM_CONVERSIONS
    return enough and found.users >= minimum_data.MINIMUM_USERS


def count_first_week_users(cells: Iterable[Cell], as_of: datetime | None) -> int | None:
    """Count the users of the first seven days; None before they are over."""
    chosen = list(cells)
    if not chosen or as_of is None:
        return None
    first = min(cell.day for cell in chosen)
    if as_of.astimezone(UTC).date() - first < WEEK:
        return None
    return sum(cell.users for cell in chosen if cell.day - first < WEEK)


def count_by_level(cells: Iterable[Cell], design: Design) -> dict[str, Any]:
    """Return counts for a report: by variant, and by context level and variant.

    `{"variants": {number: counts}, "contexts": {factor: {level: {number: counts}}},
    "segments": {context: users}}` with counts as `{"users", "exposures", "conversions"}`
    and numbers as text; users whose variant is none of the design's are in `segments`.
    """
    places = count_by_key(cells, lambda cell: (cell.context, cell.variant))
    segments: defaultdict[str, int] = defaultdict(int)
    variants: defaultdict[int, Counts] = defaultdict(Counts)
    levels: defaultdict[tuple[str, str, int], Counts] = defaultdict(Counts)
    for (context, variant), found in places.items():
        segments[str(context)] += found.users
        if not variant:
            continue
        variants[variant] += found
        for at, factor in enumerate(design.contexts):
            level = design.level_name(at, int(design.context_levels[context, at]))
            levels[factor.name, level, variant] += found
    contexts: dict[str, dict[str, dict[str, Any]]] = {}
    for (name, level, variant), found in sorted(levels.items()):
        place = contexts.setdefault(name, {}).setdefault(level, {})
        place[str(variant)] = _format_counts(found)
    return {
        "variants": {
            str(each): _format_counts(variants[each]) for each in sorted(variants)
        },
        "contexts": contexts,
        "segments": dict(segments),
    }


def _format_counts(found: Counts) -> dict[str, int]:
    return {
        "users": found.users,
        "exposures": found.exposures,
        "conversions": found.conversions,
    }

"""The variants that the typed factors make, in rows and columns, with what is excluded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from optimizations.admin.create.factor_rows import (
    Cell,
    Exclusion,
    FactorRow,
    Factors,
    LevelRow,
    format_exclusion,
)
from optimizations.configuration.validation import MAX_CONTEXTS, MAX_VARIANTS

MOST_COLUMNS: Final = 7
TIMES: Final = " \N{MULTIPLICATION SIGN} "
Combination = tuple[tuple[FactorRow, LevelRow], ...]


@dataclass(frozen=True, slots=True)
class VariantCell:
    """A variant: its number and levels, and whether it is left out.

    `exclusion` is the value of its own exclusion. One that others cover cannot be
    included by itself: `covered_by` names the exclusion.
    """

    number: int
    title: str
    levels: str
    exclusion: str
    is_excluded: bool
    is_baseline: bool
    covered_by: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """The variants that share the levels in the row's title."""

    title: str
    cells: Sequence[VariantCell]


@dataclass(frozen=True, slots=True)
class ListedExclusion:
    """An exclusion of several variants, or one that no cell of the grid stands for."""

    value: str
    title: str
    variants: int


@dataclass(frozen=True, slots=True)
class VariantGrid:
    """The grid, empty where there are no variants or too many, and what is said of it."""

    formula: str
    count: int
    most: int
    served: int
    is_too_large: bool
    columns: Sequence[str]
    rows: Sequence[GridRow]
    listed: Sequence[ListedExclusion]


def build_grid(factors: Factors) -> VariantGrid:
    """Return the grid of the factors that have levels."""
    design = [row for row in factors.list_filled("design") if row.list_filled()]
    sizes = [len(row.list_filled()) for row in design]
    count = math.prod(sizes) if sizes else 0
    combinations = _list_combinations(design) if 0 < count <= MAX_VARIANTS else []
    cells = [
        _build_cell(number, combination, factors.exclusions)
        for number, combination in enumerate(combinations, start=1)
    ]
    own = {cell.exclusion for cell in cells if not cell.is_baseline}
    return VariantGrid(
        formula=describe_product(sizes),
        count=count,
        most=MAX_VARIANTS,
        served=count - sum(cell.is_excluded for cell in cells),
        is_too_large=count > MAX_VARIANTS,
        columns=_list_columns(design),
        rows=_build_rows(design, cells),
        listed=[
            _describe_exclusion(exclusion, design, combinations)
            for exclusion in factors.exclusions
            if format_exclusion(exclusion) not in own
        ],
    )


def describe_product(sizes: Sequence[int]) -> str:
    """Return sizes with their product, as in "3 x 2 x 2 = 12"; a single size as itself."""
    if len(sizes) < 2:
        return str(math.prod(sizes)) if sizes else "0"
    return f"{TIMES.join(map(str, sizes))} = {math.prod(sizes):,}"


def count_contexts(factors: Factors) -> str:
    """Return how many contexts there are of those that there may be; empty without any."""
    sizes = [len(row.list_filled()) + 2 for row in factors.list_filled("context")]
    if not sizes:
        return ""
    return (
        f"{describe_product(sizes)} of at most {MAX_CONTEXTS:,} contexts: each factor "
        "also has “other” and “missing”."
    )


def _list_combinations(design: Sequence[FactorRow]) -> list[Combination]:
    """Return the combinations in the order of variant numbers: the last factor is fastest."""
    return list(
        product(*([(row, level) for level in row.list_filled()] for row in design))
    )


def _build_cell(
    number: int, combination: Combination, exclusions: Sequence[Exclusion]
) -> VariantCell:
    cells = tuple((row.key, level.key) for row, level in combination)
    covering = [exclusion for exclusion in exclusions if set(exclusion) <= set(cells)]
    partial = next((each for each in covering if len(each) < len(cells)), None)
    return VariantCell(
        number=number,
        title=combination[-1][1].text,
        levels=_join_levels(combination),
        exclusion=format_exclusion(cells),
        is_excluded=bool(covering),
        is_baseline=number == 1,
        covered_by=_name_part(combination, partial) if partial else "",
    )


def _list_columns(design: Sequence[FactorRow]) -> list[str]:
    """Return the titles of the columns; none where all variants stand in one list."""
    if len(design) < 2 or len(design[-1].list_filled()) > MOST_COLUMNS:
        return []
    return [level.text for level in design[-1].list_filled()]


def _build_rows(
    design: Sequence[FactorRow], cells: Sequence[VariantCell]
) -> list[GridRow]:
    """Return one row for each combination of all factors but the last."""
    if not cells:
        return []
    titles = [
        _join_levels(combination) for combination in _list_combinations(design[:-1])
    ]
    width = len(cells) // len(titles)
    return [
        GridRow(title, cells[index * width : (index + 1) * width])
        for index, title in enumerate(titles)
    ]


def _describe_exclusion(
    exclusion: Exclusion,
    design: Sequence[FactorRow],
    combinations: Sequence[Combination],
) -> ListedExclusion:
    covered = sum(
        set(exclusion) <= {(row.key, level.key) for row, level in combination}
        for combination in combinations
    )
    texts: dict[Cell, str] = {
        (row.key, level.key): f"{row.name or 'factor'}: {level.text or '…'}"
        for row in design
        for level in row.levels
    }
    title = " with ".join(texts.get(cell, "…") for cell in exclusion)
    return ListedExclusion(format_exclusion(exclusion), title, covered)


def _name_part(combination: Combination, exclusion: Exclusion) -> str:
    return " with ".join(
        f"{row.name or 'factor'}: {level.text}"
        for row, level in combination
        if (row.key, level.key) in exclusion
    )


def _join_levels(combination: Combination) -> str:
    return " · ".join(level.text for _, level in combination)

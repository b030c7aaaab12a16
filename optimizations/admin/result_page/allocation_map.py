"""Who gets what now: combinations of context levels by variants, linked to receipts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from levered_site.admin.row_urls import build_row_url
from levered_site.charts.palette import DEEP_SHADE, find_shade
from optimizations.models import Optimization
from optimizations.results.readings.context_allocation import ContextAllocation

RECEIPTS_URL = "admin:optimizations_optimization_decisions"


@dataclass(frozen=True, slots=True)
class MapSize:
    """How many rows and columns a map has at most."""

    rows: int
    columns: int


SMALL, LARGE = MapSize(16, 6), MapSize(100, 12)


@dataclass(frozen=True, slots=True)
class AllocationCell:
    """The share of a variant in a row: its text, how deep its shade is, its receipts."""

    text: str
    shade: int
    is_deep: bool
    is_largest: bool
    url: str


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """A combination of context levels; `url` leads to all of its receipts."""

    name: str
    users: int
    cells: Sequence[AllocationCell]
    others: str
    url: str
    users_text: str


@dataclass(frozen=True, slots=True)
class AllocationMap:
    """Who gets what: variants as columns, combinations of context levels as rows."""

    context: str
    columns: Sequence[int]
    rows: Sequence[AllocationRow]
    hidden_rows: int
    has_others: bool


def build_allocation_map(
    optimization: Optimization,
    allocation: Sequence[ContextAllocation],
    size: MapSize = SMALL,
) -> AllocationMap | None:
    """Return the variants that get most anywhere, and the others together."""
    if not allocation:
        return None
    peaks: dict[int, float] = {}
    for row in allocation:
        for number, share in row.shares.items():
            peaks[number] = max(share, peaks.get(number, 0.0))
    columns = sorted(peaks, key=lambda number: (-peaks[number], number))
    columns = columns[: size.columns]
    shown = allocation[: size.rows]
    return AllocationMap(
        context=", ".join(allocation[0].levels),
        columns=columns,
        rows=[_build_row(optimization, row, columns) for row in shown],
        hidden_rows=len(allocation) - len(shown),
        has_others=len(peaks) > len(columns),
    )


def _build_row(
    optimization: Optimization, row: ContextAllocation, columns: Sequence[int]
) -> AllocationRow:
    largest = max(row.shares.values(), default=0.0)
    rest = sum(share for number, share in row.shares.items() if number not in columns)
    return AllocationRow(
        name=", ".join(row.levels.values()) or "everybody",
        users=row.users,
        cells=[
            _build_cell(optimization, row.levels, number, row.shares[number], largest)
            for number in columns
        ],
        others=f"{rest:.0%}",
        url=build_receipts_url(optimization, row.levels),
        users_text=f"{row.users:,}",
    )


def _build_cell(
    optimization: Optimization,
    levels: Mapping[str, str],
    number: int,
    share: float,
    largest: float,
) -> AllocationCell:
    shade = find_shade(share)
    return AllocationCell(
        text=f"{share:.0%}",
        shade=shade,
        is_deep=shade >= DEEP_SHADE,
        is_largest=share == largest,
        url=build_receipts_url(optimization, levels, number),
    )


def build_receipts_url(
    optimization: Optimization, levels: Mapping[str, str], number: int | None = None
) -> str:
    """Return the address of the receipts for these levels, of one variant or of all."""
    filters: dict[str, object] = {} if number is None else {"variant": number}
    if levels:
        filters["context"] = json.dumps(dict(levels), ensure_ascii=False)
    path = build_row_url(RECEIPTS_URL, optimization.pk)
    return f"{path}?{urlencode(filters)}" if filters else path

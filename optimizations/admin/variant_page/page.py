"""The page of the variants: what it lists, what may be chosen, and what is withheld."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizations.admin.variant_page.query import (
    GALLERY,
    LEVEL_PREFIX,
    ORDERS,
    TABLE,
    VariantQuery,
    find_rows,
)
from optimizations.admin.variant_page.rows import VariantRow
from optimizations.admin.variant_page.views import Frame, VariantView, build_view
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import RATES

MAX_LEVEL_COLUMNS = 4  # factors with a column of their own in the table
# What was counted of users, by whether the reward is a conversion.
MEASURED_TITLES = {True: "Converted", False: "Measured mean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select."""

    value: str
    title: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Select:
    """A select of the form: one factor, the states or the orders."""

    name: str
    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table that sorts it."""

    title: str
    url: str
    order: str


def build_page(
    rows: Sequence[VariantRow],
    query: VariantQuery,
    frame: Frame,
    path: str,
) -> dict[str, Any]:
    """Return what the template needs; `path` is the address of the tab."""
    found = find_rows(rows, query, is_less_better=frame.is_less_better)
    views: list[VariantView] = [build_view(row, frame) for row in found]
    factors = [level.factor for level in rows[0].levels] if rows else []
    is_bool = frame.reward_type == "bool"
    return {
        "views": views,
        "query": query,
        "count": _describe_count(len(found), len(rows)),
        "selects": _build_selects(rows, query),
        "toggles": [
            Choice(query.build_url(path, view=view), title, query.view == view)
            for view, title in ((GALLERY, "Gallery"), (TABLE, "Table"))
        ],
        "is_table": query.view == TABLE,
        "all_url": query.build_url(path).partition("?")[0],
        "factors": factors if len(factors) <= MAX_LEVEL_COLUMNS else [],
        "columns": _build_columns(query, path, MEASURED_TITLES[is_bool]),
        "has_figures": any(row.result for row in rows),
        "measured_title": MEASURED_TITLES[is_bool],
        "is_bool": is_bool,
        "has_toggles": any(view.toggle for view in views),
    }


def _describe_count(found: int, total: int) -> str:
    noun = "variant" if total == 1 else "variants"
    return f"{total:,} {noun}" if found == total else f"{found:,} of {total:,} {noun}"


def _build_selects(rows: Sequence[VariantRow], query: VariantQuery) -> list[Select]:
    """Return a select for each factor, the states that there are, and the orders."""
    states = list(dict.fromkeys(row.state for row in rows))
    by_factor: dict[int, dict[int, str]] = {}
    for row in rows:
        for place, level in enumerate(row.levels):
            by_factor.setdefault(place, {})[level.place] = level.text
    factors = [level.factor for level in rows[0].levels] if rows else []
    return [
        *(
            _build_level_select(place, factor, by_factor[place], query)
            for place, factor in enumerate(factors)
        ),
        *(
            [
                Select(
                    "state",
                    "State",
                    _offer({each: each for each in states}, query.state),
                )
            ]
            if len(states) > 1
            else []
        ),
        Select("sort", "Order", _list_orders(query)),
    ]


def _build_level_select(
    place: int, factor: str, levels: dict[int, str], query: VariantQuery
) -> Select:
    titles = {str(level): levels[level] for level in sorted(levels)}
    chosen = query.levels.get(place)
    offered = _offer(titles, "" if chosen is None else str(chosen))
    return Select(f"{LEVEL_PREFIX}{place}", factor, offered)


def _offer(titles: dict[str, str], chosen: str) -> list[Choice]:
    return [
        Choice("", "all", is_chosen=not chosen),
        *(Choice(value, title, value == chosen) for value, title in titles.items()),
    ]


def _list_orders(query: VariantQuery) -> list[Choice]:
    orders = (
        ORDERS if query.sort in ORDERS else {query.sort: "as in the table", **ORDERS}
    )
    return [
        Choice(value, title, value == query.sort) for value, title in orders.items()
    ]


def _build_columns(query: VariantQuery, path: str, measured: str) -> dict[str, Column]:
    titles = {
        "number": "No.",
        "traffic": "Share of traffic",
        "users": "Users",
        "rewarded": "With a reward",
        "measured": measured,
        "mean": "Believed mean (95%)",
        "best": "Best with",
    }
    return {
        name: Column(title, query.build_sort_url(path, name), query.find_order(name))
        for name, title in titles.items()
    }


def list_withheld(results: Results) -> list[str]:
    """Return why figures of all variants are withheld, each reason once.

    Rates of single variants are missing where nobody saw them, as their counts tell.
    """
    rates = {f"variants.{name}" for name in RATES}
    reasons = {
        reason
        for name, reason in results.unavailable.items()
        if name.startswith("variants.") and name not in rates
    }
    return sorted(reasons)

"""Who gets what now, the lift by segment, and what choosing by context is worth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from levered_site.admin import html
from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.intervals import find_tone
from levered_site.charts.palette import DEEP_SHADE, find_shade
from levered_site.charts.units import LIFT
from metrics.stats import Interval
from optimizations.models import Decision, Optimization
from optimizations.results.readings.context_allocation import ContextAllocation
from optimizations.results.readings.report import Results

MAX_ROWS, MAX_COLUMNS = 16, 6
EXTRA_LEVELS = frozenset({"other", "missing"})
SEGMENTS = Heading(
    "segments",
    "Lift by segment",
    "Optimized users against the holdout, among those with each level of a context factor.",
)


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
    """A combination of context levels."""

    name: str
    users: int
    cells: Sequence[AllocationCell]
    others: str


@dataclass(frozen=True, slots=True)
class AllocationMap:
    """Who gets what: variants as columns, combinations of context levels as rows."""

    context: str
    columns: Sequence[int]
    rows: Sequence[AllocationRow]
    hidden_rows: int
    has_others: bool


def build_allocation_map(
    optimization: Optimization, allocation: Sequence[ContextAllocation]
) -> AllocationMap | None:
    """Return the six variants that get most anywhere, and the others together."""
    if not allocation:
        return None
    peaks: dict[int, float] = {}
    for row in allocation:
        for number, share in row.shares.items():
            peaks[number] = max(share, peaks.get(number, 0.0))
    columns = sorted(peaks, key=lambda number: (-peaks[number], number))[:MAX_COLUMNS]
    return AllocationMap(
        context=", ".join(allocation[0].levels),
        columns=columns,
        rows=[_build_row(optimization, row, columns) for row in allocation[:MAX_ROWS]],
        hidden_rows=max(len(allocation) - MAX_ROWS, 0),
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
        url=build_receipts_url(optimization, number, levels),
    )


def build_receipts_url(
    optimization: Optimization, number: int, levels: Mapping[str, str]
) -> str:
    """Return the address of the receipts of a variant for these levels."""
    known = {name: level for name, level in levels.items() if level not in EXTRA_LEVELS}
    context = {"context": json.dumps(known, ensure_ascii=False)} if known else {}
    return html.build_list_url(Decision, q=optimization.pk, variant=number, **context)


def draw_segments(results: Results, *, is_less_better: bool) -> Element:
    """Return the measured lift at each level that has users, with its best variant.

    While the arms cannot be compared return the reason instead.
    """
    if results.health.status == "broken":
        return build_sentence(SEGMENTS, results.health.reasons[0].message)
    rows = []
    for place, row in enumerate(results.contexts or ()):
        if row.share == 0:
            continue
        low, high = row.lift_ci_anytime or (None, None)
        best = "" if row.best_variant is None else f"no. {row.best_variant} best"
        rows.append(
            ForestRow(
                f"{row.factor}: {row.level}",
                row.lift_percent,
                low,
                high,
                best,
                find_tone((low, high), is_less_better=is_less_better),
                results.unavailable.get(f"contexts[{place}].lift_percent", "")
                if row.lift_percent is None
                else "",
            )
        )
    return build_forest(SEGMENTS, rows, unit=LIFT, row_name="segment")


def describe_model_lift(results: Results) -> str:
    """Return what is served and what leads over the baseline, or why it is not said."""
    stats = results.stats
    served = _describe_lift(
        results,
        "stats.estimated_improvement_percent",
        stats.estimated_improvement_percent,
        stats.estimated_improvement_interval,
    )
    if stats.best_variant is None:
        return f"What is served now against the baseline: {served}."
    best = _describe_lift(
        results,
        "stats.best_vs_baseline_percent",
        stats.best_vs_baseline_percent,
        stats.best_vs_baseline_interval,
    )
    return (
        f"What is served now against the baseline: {served}. Variant "
        f"{stats.best_variant} leads: {best}."
    )


def _describe_lift(
    results: Results, name: str, percent: float | None, interval: Interval | None
) -> str:
    if percent is None:
        return results.unavailable.get(name, html.NO_VALUE)
    limits = html.format_interval(interval, signed=True)
    return f"{html.format_percent(percent, signed=True)} ({limits})"


def describe_personalization(results: Results) -> str:
    """Return what choosing by context earns beside one variant for all, by the model."""
    stats = results.stats
    served, best = stats.estimated_improvement_percent, stats.best_vs_baseline_percent
    if served is None or best is None or not results.contexts:
        return ""
    if results.health.status == "broken":
        return ""
    by_context = html.format_percent(served, signed=True)
    for_all = html.format_percent(best, signed=True)
    served_limits = html.format_interval(
        stats.estimated_improvement_interval, signed=True
    )
    best_limits = html.format_interval(stats.best_vs_baseline_interval, signed=True)
    return (
        f"What is served by context earns {by_context} over the baseline "
        f"({served_limits}); variant {stats.best_variant} for everybody would earn "
        f"{for_all} ({best_limits}). Both by the model, 95%."
    )

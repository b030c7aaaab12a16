"""Each level of each context factor: who they are, the lift, and what is best there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from levered_site.admin import html
from levered_site.number_texts import NO_BREAK_SPACE
from optimizations.admin.result_page import allocation_map
from optimizations.admin.result_page.figures import BROKEN
from optimizations.models import Optimization
from optimizations.results.readings.context_results import ContextResult
from optimizations.results.readings.report import Results

COLUMNS = ("lift", "modeled", "best")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; without one `note` is the reason."""

    value: str
    note: str


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """The levels that users had; `reasons` are those that hold for a whole column."""

    rows: Sequence["SegmentRow"]
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A level; `url` leads to its receipts."""

    factor: str
    level: str
    url: str
    share: str
    lift: Estimate
    modeled: Estimate
    best: Estimate


def build_segment_table(
    optimization: Optimization, results: Results, names: Mapping[int, str]
) -> SegmentTable:
    """Return the levels that users had; `names` are those of variants by number.

    A reason that all rows of a column share is said once.
    """
    rows = _build_rows(optimization, results, names)
    reasons: dict[str, None] = {}
    for column in COLUMNS:
        estimates = {getattr(row, column) for row in rows}
        if len(estimates) == 1 and (shared := estimates.pop()).value == html.NO_VALUE:
            reasons[shared.note] = None
            bare: dict[str, Any] = {column: Estimate(html.NO_VALUE, "")}
            rows = [replace(row, **bare) for row in rows]
    return SegmentTable(rows, [reason for reason in reasons if reason])


def _build_rows(
    optimization: Optimization, results: Results, names: Mapping[int, str]
) -> list[SegmentRow]:
    is_broken = results.health.status == "broken"
    return [
        _build_row(
            optimization,
            row,
            {} if is_broken else _list_reasons(results, place),
            names,
            is_broken=is_broken,
        )
        for place, row in enumerate(results.contexts or ())
        if row.share != 0
    ]


def _list_reasons(results: Results, place: int) -> Mapping[str, str]:
    prefix = f"contexts[{place}]."
    return {
        name.removeprefix(prefix): reason
        for name, reason in results.unavailable.items()
        if name.startswith(prefix)
    }


def _build_row(
    optimization: Optimization,
    row: ContextResult,
    reasons: Mapping[str, str],
    names: Mapping[int, str],
    *,
    is_broken: bool,
) -> SegmentRow:
    withheld = Estimate(html.NO_VALUE, BROKEN)
    return SegmentRow(
        factor=row.factor,
        level=row.level,
        url=allocation_map.build_receipts_url(optimization, {row.factor: row.level}),
        share=html.NO_VALUE if row.share is None else _format_share(row.share),
        lift=withheld
        if is_broken
        else _build_estimate(
            row.lift_percent, row.lift_ci_anytime, reasons.get("lift_percent", "")
        ),
        modeled=withheld
        if is_broken
        else _build_estimate(
            row.estimated_improvement_percent,
            row.estimated_improvement_interval,
            reasons.get("estimated_improvement_percent", ""),
        ),
        best=withheld if is_broken else _build_best(row, reasons, names),
    )


def _format_share(share: float) -> str:
    return f"{100 * share:.1f}{NO_BREAK_SPACE}%"


def _build_estimate(
    percent: float | None, interval: Sequence[float] | None, reason: str
) -> Estimate:
    limits = html.format_interval(interval, signed=True) if interval else ""
    if percent is None:
        return Estimate(html.NO_VALUE, f"{reason}: {limits}" if limits else reason)
    return Estimate(html.format_percent(percent, signed=True), limits)


def _build_best(
    row: ContextResult, reasons: Mapping[str, str], names: Mapping[int, str]
) -> Estimate:
    if row.best_variant is None:
        return Estimate(html.NO_VALUE, reasons.get("best_variant", ""))
    chance = "" if row.prob_best is None else f"best with {row.prob_best:.0%}"
    name = names.get(row.best_variant, "")
    return Estimate(f"{row.best_variant} {name}".rstrip(), chance)

"""Measuring periods in words: why each began, and what differs from the one before."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from levered_site.admin import html
from optimizations.admin.history_page.entry import Span, StreamEntry
from optimizations.admin.numbered_variants import find_name
from optimizations.models import Regime

WENT_LIVE: Final = "went live"
REASONS: Final[Mapping[str, str]] = {
    WENT_LIVE: "the optimization went live",
    "holdout changed": "the holdout changed",
    "variants changed": "other variants are served",
    "metric changed": "the reward metric counts something else",
    "metric changed back": "the reward metric counts what it counted before",
    "guardrail metric changed": "a guardrail counts something else",
    "warehouse changed": "another warehouse was connected",
    "assignment source changed": "the assignment source changed",
    "shipped": "it was shipped: everybody gets the variant that leads",
    "unshipped": "shipping was taken back",
}
MEASURED_APART: Final = (
    "Users first seen since then are measured apart from those before; the lift adds both "
    "up."
)
MAX_NAMED = 4


def list_periods(
    regimes: Sequence[Regime], span: Span, names: Sequence[str]
) -> list[StreamEntry]:
    """Return the periods of the span; `regimes` are all, by their numbers."""
    entries = [
        _build_entry(regime, before, names)
        for before, regime in pairwise([None, *regimes])
        if regime is not None
        and (span.before is None or regime.starts_at < span.before)
    ]
    return entries[-span.limit :]


def _build_entry(
    regime: Regime, before: Regime | None, names: Sequence[str]
) -> StreamEntry:
    reason = REASONS.get(regime.reason, regime.reason)
    is_first = regime.number == 1
    start = "The first measuring period" if is_first else "A new measuring period"
    return StreamEntry(
        kind="period",
        at=regime.starts_at,
        title=f"{start} began because {reason}",
        code=regime.reason,
        sentences=(
            _describe_first(regime)
            if before is None or is_first
            else [*_compare(regime, before, names), MEASURED_APART]
        ),
        url=html.build_row_url(Regime, regime.pk),
    )


def _describe_first(regime: Regime) -> list[str]:
    shares = (
        f"{_format_percentage(regime.holdout_percentage)} of users held out, "
        f"{len(regime.enabled):,} variants served."
    )
    limits = (
        f"A reward counts within {regime.window_hours:,} hours of an exposure, and within "
        f"{regime.horizon_hours:,} hours of the first one."
    )
    return [shares, limits]


def _compare(regime: Regime, before: Regime, names: Sequence[str]) -> list[str]:
    """Return what the figures of two periods are told apart by, as far as they have it."""
    sentences = []
    if regime.holdout_percentage != before.holdout_percentage:
        sentences.append(
            f"Holdout: {_format_percentage(before.holdout_percentage)} → "
            f"{_format_percentage(regime.holdout_percentage)}."
        )
    for word, numbers in (
        ("Served since then", _list_missing(regime.enabled, before.enabled)),
        ("Not served any more", _list_missing(before.enabled, regime.enabled)),
    ):
        if numbers:
            sentences.append(f"{word}: {_join_names(numbers, names)}.")
    if regime.warehouse != before.warehouse:
        sentences.append(f"Warehouse: {before.warehouse} → {regime.warehouse}.")
    return sentences


def _list_missing(numbers: Sequence[int], others: Sequence[int]) -> list[int]:
    return sorted(set(numbers) - set(others))


def _join_names(numbers: Sequence[int], names: Sequence[str]) -> str:
    shown = [find_name(names, number) for number in numbers[:MAX_NAMED]]
    more = len(numbers) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _format_percentage(percentage: float) -> str:
    return f"{percentage:g}{html.NO_BREAK_SPACE}%"

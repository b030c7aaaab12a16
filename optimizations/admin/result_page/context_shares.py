"""Which context factors matter: how much of what sets variants apart depends on each."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.charts.intervals import build_range_bar
from levered_site.number_texts import NO_BREAK_SPACE
from optimizations.results.readings.model_effects import ContextImportance
from optimizations.results.readings.report import Results


@dataclass(frozen=True, slots=True)
class ContextShare:
    """A context factor's share in words and as a bar; without one `note` is the reason."""

    factor: str
    value: str
    note: str
    bar: SafeString | str = ""


def list_context_shares(results: Results) -> Sequence[ContextShare]:
    """Return each context factor's share, 0 where one variant suits all."""
    return [
        _build_share(
            place,
            row,
            results.unavailable.get(f"context_importance[{place}].mean", ""),
        )
        for place, row in enumerate(results.context_importance or ())
    ]


def explain_no_shares(results: Results) -> str:
    """Return why there is no share at all."""
    return results.unavailable.get("context_importance", "nothing was learned yet")


def _build_share(place: int, row: ContextImportance, reason: str) -> ContextShare:
    if row.mean is None or row.lo is None or row.hi is None:
        return ContextShare(row.factor, html.NO_VALUE, reason)
    mean, low, high = (100 * share for share in (row.mean, row.lo, row.hi))
    value = f"{mean:.0f}{NO_BREAK_SPACE}%"
    limits = f"{low:.0f} to {high:.0f}{NO_BREAK_SPACE}%"
    bar = build_range_bar(
        f"context-share-{place}",
        f"{row.factor}: {value}, 95% {limits}, on a scale from 0 to 100 %",
        (low, high),
        mean,
        (0.0, 100.0),
    )
    return ContextShare(row.factor, value, limits, html.render_charts(bar))

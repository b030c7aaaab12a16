"""The tab Segments: the measured lift at each level of each context factor."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Optimization
from optimizations.results.readings import report
from optimizations.results.readings.context_results import ContextResult


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the table of the levels."""
    try:
        contexts = report.build_results(optimization).contexts
    except ConflictError:
        contexts = None
    return {"table": _render_contexts(contexts) if contexts else ""}


def _render_contexts(contexts: list[ContextResult]) -> SafeString:
    return html.render_table(
        ("context factor", "level", "share of users", "lift", "95% at every look"),
        (
            (
                row.factor,
                row.level,
                html.NO_VALUE
                if row.share is None
                else html.format_percent(100 * row.share),
                html.format_percent(row.lift_percent, signed=True),
                html.format_interval(row.lift_ci_anytime, signed=True),
            )
            for row in contexts
        ),
    )


TAB = Tab(
    "segments", "Segments", "levered_admin/optimization/segments.html", build_context
)

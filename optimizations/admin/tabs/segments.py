"""The tab Segments: who gets what now, the lift by segment, what personalizing is worth."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from levered_site.admin import html
from optimizations.admin.result_page import (
    allocation_map,
    context_shares,
    evidence,
    personalization,
    segment_table,
    segments,
)
from optimizations.admin.tabs.tab import Tab
from optimizations.admin.variant_page import rows
from optimizations.models import Optimization
from optimizations.results.readings import full_results

NEVER_LIVE = "It was never live: nobody got a variant, and nothing was counted."
NO_CONTEXTS = (
    "The optimization has no context factors: every visitor is served alike. Context "
    "factors, such as the device, are given when an optimization is created."
)


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the map, the levels and the figures, or why there are none."""
    if not optimization.model.design.contexts:
        return {"nothing": NO_CONTEXTS}
    if optimization.went_live_at is None or optimization.reward_metric is None:
        return {"nothing": NEVER_LIVE}
    full = full_results.load_full_results(optimization)
    metric = evidence.describe_metric(optimization.reward_metric)
    assert metric is not None  # as above
    results = full.results
    listed = rows.build_rows(optimization, full.variants, results)
    names = {row.number: row.name for row in listed}
    shown = allocation_map.build_allocation_map(
        optimization, full.allocation, allocation_map.LARGE
    )
    return {
        "health": results.health,
        "figures": [
            personalization.build_personalization(results),
            *personalization.build_comparisons(results),
        ],
        "allocation": shown,
        "columns": [(number, names[number]) for number in shown.columns]
        if shown
        else [],
        "lift": html.render_charts(
            segments.draw_segments(results, is_less_better=metric.is_less_better)
        ),
        "context_shares": context_shares.list_context_shares(results),
        "no_context_shares": context_shares.explain_no_shares(results),
        "segments": segment_table.build_segment_table(optimization, results, names),
    }


TAB = Tab(
    "segments", "Segments", "levered_admin/optimization/segments.html", build_context
)

"""The tab Variants: all variants as a gallery or a table, to find, compare and disable."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from levered_site.organizations.admin import get_staff_roles
from optimizations.admin import lift_chart
from optimizations.admin.tabs.tab import Tab
from optimizations.admin.variant_page import page, query, rows, views
from optimizations.admin.variant_page.views import Frame
from optimizations.configuration.create_update import CHANGEABLE_STATUSES
from optimizations.models import Optimization
from optimizations.results.readings import full_results
from optimizations.results.readings.report import Results


def build_context(
    request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the variants that were asked for, with their figures once there are some."""
    results = None
    if optimization.went_live_at is None or optimization.reward_metric is None:
        variants = list(optimization.variants.with_screenshot_flag())
    else:
        full = full_results.load_full_results(optimization)
        results, variants = full.results, list(full.variants)
    listed = rows.build_rows(optimization, variants, results)
    asked = query.read_query(request)
    opener = asked.build_url(request.path)
    frame = _build_frame(request, optimization, results, opener)
    return {
        **page.build_page(listed, asked, frame, request.path),
        "health": results.health if results else None,
        "withheld": page.list_withheld(results) if results else [],
    }


def _build_frame(
    request: HttpRequest,
    optimization: Optimization,
    results: Results | None,
    opener: str,
) -> Frame:
    metric = optimization.reward_metric
    roles = get_staff_roles(request)
    may_change = roles.has_in("editor", optimization.organization_id)
    is_comparing = optimization.status == Optimization.Status.LIVE
    measured = results.primary_metric_vs_holdout if results else None
    return Frame(
        reward_type=metric.reward_type if metric else "bool",
        is_less_better=lift_chart.is_less_better(optimization),
        ends=views.find_ends(results),
        held_out=measured.holdout_rate if measured else None,
        holdout_percentage=optimization.holdout_percentage if is_comparing else 0.0,
        may_change=may_change,
        may_toggle=may_change and optimization.status in CHANGEABLE_STATUSES,
        opener=opener,
    )


TAB = Tab(
    "variants", "Variants", "levered_admin/optimization/variants.html", build_context
)

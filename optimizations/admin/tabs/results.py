"""The tab Results: what was found, whether it can be trusted, what to do next."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from optimizations.admin import optimization_panel
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Optimization


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the panel of results."""
    return {"panel": optimization_panel.build_panel(optimization)}


TAB = Tab(
    "results", "Results", "levered_admin/optimization/results.html", build_context
)

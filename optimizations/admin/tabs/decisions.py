"""The tab Decisions: who was given what, and why."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from levered_site.admin import html
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Decision, Optimization


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return a link to the receipts."""
    return {
        "links": [html.render_list_link(Decision, "Decisions", q=optimization.pk)],
    }


TAB = Tab(
    "decisions", "Decisions", "levered_admin/optimization/decisions.html", build_context
)

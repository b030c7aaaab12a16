"""The tab Decisions: who was given what, and why; one visitor from step to step."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from levered_site.admin import html
from optimizations.admin.numbered_variants import list_variant_names
from optimizations.admin.tabs.tab import Tab
from optimizations.admin.visitor_page import (
    download,
    links,
    receipt_filter,
    receipt_list,
    visitor,
)
from optimizations.models import Decision, Optimization


def build_context(
    request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return one visitor where the address names one, else the latest receipts."""
    anonymous_id = read_visitor(request)
    if anonymous_id:
        own = {links.VISITOR: anonymous_id}
        must_count = request.GET.get("count") == "yes"
        return {
            "visitor": visitor.build_visitor(
                optimization, anonymous_id, must_count=must_count
            ),
            "csv_url": links.build_url(optimization, {**own, "format": "csv"}),
            "count_url": links.build_url(optimization, {**own, "count": "yes"}),
        }
    wanted = receipt_filter.read_filter(request.GET)
    page = receipt_list.load_page(optimization, wanted, request.GET.get("before", ""))
    query = wanted.build_query()
    following = {**query, "before": page.next_before}
    return {
        "wanted": wanted,
        "page": page,
        "is_first": not request.GET.get("before"),
        "variants": list(enumerate(list_variant_names(optimization), start=1)),
        "arms": list(receipt_filter.ARMS.items()),
        "contexts": receipt_filter.list_context_choices(optimization, wanted),
        "newest_url": links.build_url(optimization, query),
        "next_url": page.next_before and links.build_url(optimization, following),
        "csv_url": links.build_url(optimization, {**query, "format": "csv"}),
        "links": [html.render_list_link(Decision, "All receipts", q=optimization.pk)],
    }


def read_visitor(request: HttpRequest) -> str:
    """Return the id to look up, without spaces that were pasted along; "" without one."""
    return request.GET.get(links.VISITOR, "").strip()


def build_download(request: HttpRequest, optimization: Optimization) -> HttpResponse:
    """Return the visitor's steps, or the receipts of the filter, as CSV."""
    if anonymous_id := read_visitor(request):
        found = visitor.build_visitor(optimization, anonymous_id)
        return download.build_steps(optimization, found)
    wanted = receipt_filter.read_filter(request.GET)
    return download.build_receipts(optimization, wanted)


TAB = Tab(
    "decisions",
    "Decisions",
    "levered_admin/optimization/decisions.html",
    build_context,
    build_download=build_download,
)

"""The admin's index page: what needs a person first, then all optimizations."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from levered_site.organizations.admin import get_staff_roles
from optimizations.admin import attention_section, list_cells, overview_list
from optimizations.admin.overview_filters import read_filters
from optimizations.results.health import attention


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the overview of the user's organizations to the index page, if there are any."""
    roles = get_staff_roles(request)
    if not roles.has_anywhere("viewer"):
        return context
    now = timezone.now()
    filters = read_filters(request)
    rows = overview_list.query_optimizations(roles, now)
    groups = overview_list.count_groups(rows)
    waiting = attention.select_waiting(
        overview_list.select_fields(rows), attention_section.MAX_SHOWN
    )
    page = overview_list.read_page(rows, groups, filters)
    shown = page.rows
    listed = list_cells.load_listed(
        list({row.pk: row for row in (*waiting, *shown)}.values())
    )
    return {
        **context,
        "has_roles": True,
        "may_create": roles.has_anywhere("editor"),
        "attention": attention_section.build_section(groups, waiting, listed, filters),
        "live": overview_list.sum_by(groups, "status")["live"],
        "filters": filters,
        "statuses": overview_list.list_status_choices(groups, filters.status),
        "healths": overview_list.list_health_choices(groups, filters.health),
        "organizations": overview_list.list_organization_choices(
            roles, filters.organization
        ),
        "columns": overview_list.list_columns(filters),
        "rows": overview_list.render_rows([listed[row.pk] for row in shown], now),
        "count": overview_list.describe_count(page, filters),
        "page": page,
        "previous_url": page.number > 1 and filters.build_url(page=page.number - 1),
        "next_url": page.has_next and filters.build_url(page=page.number + 1),
    }

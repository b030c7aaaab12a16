"""The list of optimizations: what it reads of each row, and its filter by health."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from typing_extensions import override

from optimizations.admin import list_cells, overview_list
from optimizations.admin.overview_filters import HEALTH_RANK, HEALTHS, SHOWN_LIFT
from optimizations.results.health import health_queries

LIST = "optimizations_optimization_changelist"
FILE = "optimizations_optimization_csv_list"
TITLES = {"none": "Not judged yet"}


class OptimizationChangeList(ChangeList):
    """A page of the list: each row has `listed`, what lists show of it."""

    @override
    def get_results(self, request: HttpRequest) -> None:
        """Load the page, and what is shown of its rows in three queries."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        listed = list_cells.load_listed(rows)
        for row in rows:
            row.listed = listed[row.pk]
        self.result_list = rows


class HealthFilter(admin.SimpleListFilter):
    """Filter optimizations by whether their figures can be trusted."""

    title = "health"
    parameter_name = "health"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, TITLES.get(name, name.title())) for name in HEALTHS]

    @override
    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value not in HEALTHS:
            return queryset
        return queryset.filter(health=None if value == "none" else value)


def is_list(request: HttpRequest) -> bool:
    """Return whether the request is for the list, or the file of what it shows."""
    return _get_url_name(request) in {LIST, FILE}


def _get_url_name(request: HttpRequest) -> str | None:
    match = request.resolver_match
    return None if match is None else match.url_name


def add_list_columns(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Add what the list filters and sorts by; to look at, read no more than it shows."""
    judged = health_queries.annotate_health(rows, timezone.now()).annotate(
        health_rank=HEALTH_RANK, shown_lift=SHOWN_LIFT
    )
    is_shown = request.method == "GET" and _get_url_name(request) == LIST
    return overview_list.select_fields(judged) if is_shown else judged

"""Readings of an optimization that staff take away as CSV from its page."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from typing_extensions import override

from levered_site.admin import csv_download
from levered_site.api.csv_sections import RowSection
from levered_site.errors import LeveredError
from levered_site.organizations.admin import OrganizationAdminMixin
from optimizations.models import Optimization
from optimizations.results.readings import (
    guardrail_report,
    history,
    holdout_daily,
    report,
)
from optimizations.views import csv_rows

ROUTE_NAME = "optimizations_optimization_csv"
Reading = tuple[Callable[[Optimization], Any], tuple[RowSection, ...]]
READINGS: Mapping[str, Reading] = {
    "results": (report.build_results, csv_rows.RESULTS),
    "lift-history": (history.build_lift_history, csv_rows.LIFT_HISTORY),
    "holdout-daily": (holdout_daily.build_holdout_daily, csv_rows.HOLDOUT_DAILY),
    "guardrails": (guardrail_report.build_guardrails, csv_rows.GUARDRAILS),
}


class CsvReadingsMixin(OrganizationAdminMixin):
    """A page of an optimization whose results have links that download its readings."""

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the download before the page, whose id may be anything."""
        view = self.admin_site.admin_view(self.download_reading)
        return [
            path("<path:object_id>/csv/", view, name=ROUTE_NAME),
            *super().get_urls(),
        ]

    def download_reading(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the section `section` of the reading `reading`, by default variants."""
        optimization = self.get_object(request, object_id)
        name = request.GET.get("reading", "results")
        if optimization is None or name not in READINGS:
            raise Http404
        build, sections = READINGS[name]
        section_name = request.GET.get("section", sections[0].name)
        by_name = {section.name: section for section in sections}
        if section_name not in by_name:
            raise Http404
        try:
            payload = build(optimization)
        except LeveredError as error:  # of a draft without a metric
            messages.error(request, error.message)
            page = "admin:optimizations_optimization_change"
            return HttpResponseRedirect(reverse(page, args=[object_id]))
        table = csv_download.build_table(payload, by_name[section_name])
        short_id = str(optimization.pk)[:8]
        return csv_download.build_download(table, short_id, name, section_name)

"""The admin site: Unfold's, with a search that needs no cache."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from typing_extensions import override
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from levered_site.admin.theme import SEARCHED_MODELS

RESULTS_PER_PAGE = 100


class StaffAdminSite(UnfoldAdminSite):
    """The site of all admin pages."""

    @override
    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return what the search box finds.

        Unfold keeps results in the cache for 5 minutes: without the cache it fails, and
        with it users go on finding what they may not view any more.
        """
        term = request.GET.get("s", "").lower()
        if not term:
            return HttpResponse()
        is_command = "extended" in request.GET
        results = self._find_results(request, term, is_command=is_command)
        pages = Paginator(results, RESULTS_PER_PAGE)
        page = pages.get_page(request.GET.get("page"))
        name = "command_results" if is_command else "search_results"
        context = {
            "page_obj": pages,
            "results": page,
            "page_counter": (page.number - 1) * RESULTS_PER_PAGE,
            "execution_time": 0.0,
            "command_show_history": True,
        }
        return TemplateResponse(
            request,
            f"unfold/helpers/{name}.html",
            context,
            headers={"HX-Trigger": "search"},
        )

    def _find_results(
        self, request: HttpRequest, term: str, *, is_command: bool
    ) -> list[SearchResult]:
        # The search changes its list of apps, so each gets one of its own.
        pages: list[SearchResult] = self._search_apps(
            AdminSite.get_app_list(self, request), term
        )
        if not is_command:
            return pages
        rows: list[SearchResult] = self._search_models(
            request, AdminSite.get_app_list(self, request), term, SEARCHED_MODELS
        )
        return pages + rows

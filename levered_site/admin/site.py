"""The admin site: Unfold's, with a search that needs no cache and its own errors."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from typing_extensions import override
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from levered_site.admin import set_password
from levered_site.admin.theme import SEARCHED_MODELS

RESULTS_PER_PAGE = 100
ERROR_TITLES = {403: "You may not do this", 404: "There is no such page"}


class FieldChoicesView(AutocompleteJsonView):
    """Django's view; it refuses names of relations that are no fields, not with a 500."""

    @override
    def process_request(self, request: HttpRequest) -> Any:
        term, page, field, to_field_name = super().process_request(request)
        if not field.concrete:
            raise PermissionDenied
        return term, page, field, to_field_name


class StaffAdminSite(UnfoldAdminSite):
    """The site of all admin pages."""

    @override
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Answer what a user may not see or do with a page that has the menu."""
        inner: Callable[..., HttpResponse] = super().admin_view(view, cacheable)

        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return inner(request, *args, **kwargs)
            except PermissionDenied:
                return self._render_error(request, 403)
            except Http404:
                return self._render_error(request, 404)

        return update_wrapper(answer, inner)

    @override
    def get_urls(self) -> list[Any]:
        """Return the addresses of all pages, and the one for those who cannot log in yet."""
        view = set_password.SetPasswordView.as_view()
        return [
            path(set_password.ROUTE, view, name=set_password.NAME),
            *super().get_urls(),
        ]

    @override
    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:
        """Return the rows that a field may refer to, of those that the user may view."""
        return FieldChoicesView.as_view(admin_site=self)(request)

    def _render_error(self, request: HttpRequest, status: int) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": ERROR_TITLES[status],
            "status": status,
        }
        template = "levered_admin/error_page.html"
        return TemplateResponse(request, template, context, status=status)

    @override
    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the menu; a list is in it for those who may view one of its rows."""
        groups: list[dict[str, Any]] = super().get_sidebar_list(request)
        for item in (item for group in groups for item in group["items"]):
            if "list" in item:
                model = apps.get_model(*item["list"].rsplit("_", 1))
                page = self.get_model_admin(model)
                item["has_permission"] = page.has_view_permission(request)
        return groups

    @override
    def get_log_entries(self, request: HttpRequest) -> Any:
        """Return nothing: no page shows what the user changed, by name."""
        return ()

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

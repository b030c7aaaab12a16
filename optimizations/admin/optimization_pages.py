"""An optimization's page: its head, its tabs below one address, and its form as Settings."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.generic import RedirectView
from typing_extensions import override

from levered_site.admin.actions import AdminActionsMixin
from levered_site.admin.pages import EditableAdmin
from optimizations.admin import page_head, training_progress
from optimizations.admin.documents import report, share_links
from optimizations.admin.tabs import registry
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Optimization


class OptimizationPagesMixin(AdminActionsMixin, EditableAdmin):
    """Shows an optimization by tabs. The first one is the page that links lead to.

    Django's names of addresses stay: `change` is the first tab and `history` the tab
    History. The form, which Django calls `change`, too, is the tab Settings.
    """

    change_form_template = "levered_admin/optimization/settings.html"

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the tabs; each may be opened by who may view the optimization."""
        names = [tab.name for tab in registry.TABS]
        own = {registry.name_url(name) for name in names}
        inherited = [url for url in super().get_urls() if url.name not in own]
        tabs = [
            path(
                f"<path:object_id>/{tab.name}/",
                self.admin_site.admin_view(partial(self.show_tab, tab)),
                name=registry.name_url(tab.name),
            )
            for tab in registry.TABS
        ]
        settings = path(
            f"<path:object_id>/{registry.SETTINGS}/",
            self.admin_site.admin_view(self.change_view),
            name=registry.name_url(registry.SETTINGS),
        )
        training = path(
            "<path:object_id>/training/",
            self.admin_site.admin_view(self.show_training),
            name=training_progress.URL_NAME,
        )
        share = path(
            "<path:object_id>/share/",
            self.admin_site.admin_view(self.show_share),
            name=page_head.SHARE_URL,
        )
        download = path(
            "<path:object_id>/report/",
            self.admin_site.admin_view(self.download_report),
            name=page_head.REPORT_URL,
        )
        first = f"admin:{registry.name_url(names[0])}"
        former = path(  # bookmarks from before there were tabs
            "<path:object_id>/change/",
            self.admin_site.admin_view(RedirectView.as_view(pattern_name=first)),
        )
        return [*tabs, settings, training, share, download, former, *inherited]

    def show_tab(self, tab: Tab, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer with a tab of an optimization that the user may view."""
        optimization = self._require_viewable(request, object_id)
        if request.method == "POST":
            return self._handle_post(tab, request, optimization)
        if tab.build_download is not None and request.GET.get("format") == "csv":
            return tab.build_download(request, optimization)
        context = {
            **self.build_frame(request, optimization, tab.name),
            **tab.build_context(request, optimization),
        }
        return TemplateResponse(request, tab.template, context)

    def show_training(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the bar of a training, which asks how far it is."""
        optimization = self._require_viewable(request, object_id)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return training_progress.answer_poll(request, optimization)

    def show_share(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer with the share links; a form makes one or revokes one."""
        optimization = self._require_viewable(request, object_id)
        may_share = self.has_role(request, "editor", optimization)
        made: Mapping[str, Any] = {}
        if request.method == "POST":
            if not may_share:
                raise PermissionDenied
            if request.POST.get("do") == "revoke":
                share_links.revoke_link(request, optimization)
                return HttpResponseRedirect(request.path)
            made = share_links.make_link(request, optimization)
        context = {
            **self.build_frame(request, optimization, page_head.SHARE_URL),
            **share_links.build_context(request, optimization, may_share=may_share),
            **made,
        }
        return TemplateResponse(request, share_links.TEMPLATE, context)

    def download_report(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer with the report as a file."""
        optimization = self._require_viewable(request, object_id)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return report.build_download(optimization)

    def _require_viewable(self, request: HttpRequest, object_id: str) -> Optimization:
        """Return the optimization. Raises PermissionDenied or Http404 without a role."""
        optimization: Optimization | None = self._find_target(request, object_id)
        if not self.has_view_permission(request, optimization):
            raise PermissionDenied
        if optimization is None:
            raise Http404
        return optimization

    def _handle_post(
        self, tab: Tab, request: HttpRequest, optimization: Optimization
    ) -> HttpResponse:
        if tab.handle_post is None:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_role(request, tab.post_role, optimization):
            raise PermissionDenied
        return tab.handle_post(request, optimization)

    def build_frame(
        self, request: HttpRequest, optimization: Optimization, open_name: str
    ) -> dict[str, Any]:
        """Return what every tab needs: the site, the head and the row of tabs."""
        key = str(optimization.pk)
        offered = self.get_actions_detail(request, key)
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_do_"
        listed = self._get_actions_navigation(self.actions_detail, offered, key)
        names = [action.action_name.removeprefix(prefix) for action in offered]
        return {
            **self.admin_site.each_context(request),
            "title": optimization.name,
            "opts": self.opts,
            "original": optimization,
            "head": page_head.build_head(
                request, optimization, dict(zip(names, listed, strict=True))
            ),
            "tabs": registry.build_links(optimization, open_name),
        }

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Add head and tabs above the form; the head has the actions."""
        optimization = context.get("original")
        if optimization is not None:
            frame = self.build_frame(request, optimization, registry.SETTINGS)
            context.update(head=frame["head"], tabs=frame["tabs"], actions_detail=[])
        return super().render_change_form(request, context, *args, **kwargs)

    @override
    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the settings, where Django would go to the list."""
        return HttpResponseRedirect(request.path)

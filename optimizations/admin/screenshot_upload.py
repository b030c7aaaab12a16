"""A variant's screenshot: the picture, and the page that uploads another one.

Both do what `GET` and `PUT …/screenshot` of the API do.
"""

import base64
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views import View

from levered_site.admin import html
from levered_site.errors import LeveredError, NotFoundError
from levered_site.organizations.admin import get_staff_actor
from optimizations.configuration import screenshots
from optimizations.models import Variant
from optimizations.views import variants

ROUTE = "admin:optimizations_variant_screenshot"
PICTURE_ROUTE = "admin:optimizations_variant_picture"
FIELD = "picture"
NO_FILE = "Choose a PNG file first."


def build_urls(admin: Any) -> list[URLPattern]:
    """Return the routes of the page and of the picture, which a browser may keep."""
    wrap = admin.admin_site.admin_view
    page = wrap(ScreenshotView.as_view(admin=admin))
    picture = wrap(partial(show_picture, admin), cacheable=True)
    name, picture_name = (route.partition(":")[2] for route in (ROUTE, PICTURE_ROUTE))
    return [
        path("<path:object_id>/screenshot/", page, name=name),
        path("<path:object_id>/screenshot.png", picture, name=picture_name),
    ]


def build_picture_url(variant: Variant) -> str:
    """Return the address of a variant's screenshot."""
    return reverse(PICTURE_ROUTE, args=[variant.pk])


def show_picture(admin: Any, request: HttpRequest, object_id: str) -> HttpResponseBase:
    """Answer with the PNG to who may view the variant; the browser asks if it changed."""
    variant = admin.get_object(request, object_id)
    if variant is None:
        raise Http404
    try:
        answer = variants.answer_screenshot(
            request, variant.optimization, variant.number
        )
    except NotFoundError as error:
        raise Http404 from error
    answer["Cache-Control"] = "private, no-cache"
    return answer


def render_screenshot(variant: Variant) -> SafeString | str:
    """Return the screenshot of a variant as an image, or a dash."""
    if variant.screenshot is None:
        return html.NO_VALUE
    encoded = base64.b64encode(bytes(variant.screenshot)).decode()
    return format_html(
        '<img class="staff-screenshot" alt="Screenshot of variant {}" '
        'src="data:image/png;base64,{}">',
        variant.number,
        encoded,
    )


def render_upload_link(variant: Variant) -> SafeString:
    """Return the link to the page."""
    title = "Upload a screenshot" if variant.screenshot is None else "Replace it"
    return format_html(
        '<a class="text-link" href="{}">{}</a>',
        reverse(ROUTE, args=[variant.pk]),
        title,
    )


class ScreenshotView(View):
    """Show the screenshot of a variant, and store another one."""

    admin: Any = None  # the page of variants, given by as_view
    variant: Variant

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Let in who may change the variant."""
        variant = self.admin.get_object(request, str(kwargs["object_id"]))
        if variant is None:
            raise Http404
        if not self.admin.has_role(request, "editor", variant):
            raise PermissionDenied
        self.variant = variant
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the form."""
        return self._render(request)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Store the file with the checks of the API; show what is wrong with it."""
        file = request.FILES.get(FIELD)
        if file is None:
            return self._render(request, NO_FILE)
        try:
            screenshots.store_screenshot(
                self.variant.optimization,
                self.variant.number,
                file.read(screenshots.MAX_SCREENSHOT_BYTES + 1),
                get_staff_actor(request),
            )
        except LeveredError as error:
            return self._render(request, error.message)
        messages.success(
            request, f"Saved the screenshot of variant {self.variant.number}."
        )
        return HttpResponseRedirect(request.path)

    def _render(self, request: HttpRequest, problem: str = "") -> HttpResponse:
        variant = self.variant
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"Screenshot of variant {variant.number}",
            "opts": Variant._meta,
            "variant": variant,
            "levels": variant.order_levels().items(),
            "screenshot": render_screenshot(variant),
            "problem": problem,
            "field": FIELD,
            "most_bytes": screenshots.MAX_SCREENSHOT_BYTES,
            "too_large": screenshots.TOO_LARGE_MESSAGE,
            "others": self._list_neighbors(),
        }
        template = "levered_admin/upload_screenshot.html"
        return TemplateResponse(request, template, context)

    def _list_neighbors(self) -> list[tuple[str, str]]:
        """Return title and path of the pages of the variants before and after this one."""
        number = self.variant.number
        rows = Variant.objects.filter(
            optimization=self.variant.optimization_id,
            number__in=(number - 1, number + 1),
        )
        return [
            (f"Variant {row.number}", reverse(ROUTE, args=[row.pk]))
            for row in rows.only("pk", "number").order_by("number")
        ]

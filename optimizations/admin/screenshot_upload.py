"""A variant's screenshot: picture and thumbnail, and the page that uploads another one.

Both do what `GET` and `PUT …/screenshot` of the API do.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views import View

from levered_site.admin import html
from levered_site.admin.row_urls import build_row_url
from levered_site.api import etags
from levered_site.errors import LeveredError, NotFoundError
from levered_site.organizations.admin import get_staff_actor
from optimizations.configuration import screenshots
from optimizations.models import Variant
from optimizations.views import variants

ROUTE = "admin:optimizations_variant_screenshot"
PICTURE_ROUTE = "admin:optimizations_variant_picture"
THUMBNAIL_ROUTE = "admin:optimizations_variant_thumbnail"
KEPT = "private, no-cache"  # the browser keeps it, and asks whether it changed
FIELD = "picture"
# What the card shows of a broken picture: nothing, so that the levels behind it are seen.
CLEAR = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
NO_FILE = "Choose a PNG file first."


def build_urls(admin: Any) -> list[URLPattern]:
    """Return the routes of the page and of the pictures, which a browser may keep."""
    wrap = admin.admin_site.admin_view
    page = wrap(ScreenshotView.as_view(admin=admin))
    picture = wrap(partial(show_picture, admin), cacheable=True)
    thumbnail = wrap(partial(show_thumbnail, admin), cacheable=True)
    views = {
        ROUTE: ("screenshot/", page),
        PICTURE_ROUTE: ("screenshot.png", picture),
        THUMBNAIL_ROUTE: ("thumbnail", thumbnail),
    }
    return [
        path(f"<path:object_id>/{end}", view, name=route.partition(":")[2])
        for route, (end, view) in views.items()
    ]


def build_picture_url(variant: Variant) -> str:
    """Return the address of a variant's screenshot."""
    return build_row_url(PICTURE_ROUTE, variant.pk)


def build_thumbnail_url(variant: Variant) -> str:
    """Return the address of a variant's screenshot in small."""
    return build_row_url(THUMBNAIL_ROUTE, variant.pk)


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
    answer["Cache-Control"] = KEPT
    return answer


def show_thumbnail(
    admin: Any, request: HttpRequest, object_id: str
) -> HttpResponseBase:
    """Answer with the WebP; what was stored without one is drawn for this answer."""
    variant = admin.get_object(request, object_id)
    if variant is None:
        raise Http404
    thumbnail = screenshots.load_thumbnail(variant.pk)
    if thumbnail is not None:
        tag = hashlib.sha256(thumbnail).hexdigest()[:32]
        return _answer_small(request, tag, lambda: thumbnail)
    try:
        stored = screenshots.find_screenshot(variant.optimization, variant.number)
    except NotFoundError as error:
        raise Http404 from error
    draw = partial(screenshots.draw_thumbnail, stored)
    return _answer_small(request, f"{stored.sha256.hex()[:32]}-small", draw)


def _answer_small(
    request: HttpRequest, tag: str, draw: Callable[[], bytes | None]
) -> HttpResponse:
    """Answer with what is drawn, unless the browser has it; clear where it is broken."""
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": KEPT,
        "X-Content-Type-Options": "nosniff",
    }
    if etags.is_unchanged(request, headers["ETag"]):
        return HttpResponseNotModified(headers=headers)
    picture = draw()
    if picture is None:
        return HttpResponse(CLEAR, "image/svg+xml", headers=headers)
    return HttpResponse(picture, "image/webp", headers=headers)


def render_screenshot(variant: Variant) -> SafeString | str:
    """Return the screenshot of a variant as an image that leads to it, or a dash.

    The variant was read with `flag_screenshots`.
    """
    if not has_screenshot(variant):
        return html.NO_VALUE
    return format_html(
        '<a href="{url}"><img class="staff-screenshot" src="{url}" loading="lazy" '
        'decoding="async" alt="Screenshot of variant {number}, in full"></a>',
        url=build_picture_url(variant),
        number=variant.number,
    )


def has_screenshot(variant: Variant) -> bool:
    """Return whether a variant has one; it was read with that flag."""
    return bool(getattr(variant, "has_screenshot", False))


def render_upload_link(variant: Variant) -> SafeString:
    """Return the link to the page."""
    title = "Replace it" if has_screenshot(variant) else "Upload a screenshot"
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
            problems = [detail.message for detail in error.details]
            return self._render(request, " ".join(problems) or error.message)
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
            "screenshot": render_screenshot(variant) if has_screenshot(variant) else "",
            "problem": problem,
            "field": FIELD,
            "most_bytes": screenshots.MAX_SCREENSHOT_BYTES,
            "most_pixels": f"{screenshots.MAX_PIXELS // 10**6} million",
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

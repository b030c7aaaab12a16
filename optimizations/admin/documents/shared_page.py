"""The page behind a share link: the document, for whoever has the link."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from levered_site.api import rate_limits, requests
from levered_site.errors import RateLimitedError
from optimizations.admin import page_rows
from optimizations.admin.documents import document, inlined_files
from optimizations.models import Optimization
from optimizations.sharing import links

METHODS: Final = ("GET", "HEAD")
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'none'; style-src 'self'; font-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def show_shared_page(request: HttpRequest, token: str) -> HttpResponse:
    """Answer with the results that a link opens, or that no link opens anything."""
    try:
        response = _answer(request, token)
    except RateLimitedError as error:
        seconds = error.retry_after or 1
        response = _refuse(request, 429, seconds=seconds)
        response["Retry-After"] = str(seconds)
    for name, value in HEADERS.items():
        response[name] = value
    return response


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    network = requests.get_client_network(request)
    rate_limits.count_request(request, "shared", settings.RATELIMIT_SHARED, network)
    rows = page_rows.load_page(Optimization.objects.all())
    link = links.open_link(token, rows)
    # What is unknown, has expired or was revoked is not told apart.
    if link is None:
        return _refuse(request, 404)
    context = document.build_document(link.optimization, is_public=True)
    context["expires_at"] = link.expires_at
    return render(request, "levered_document/shared.html", context)


def _refuse(request: HttpRequest, status: int, *, seconds: int = 0) -> HttpResponse:
    context = {"seconds": seconds, "icon": inlined_files.build_icon_uri()}
    template = "levered_document/no_page.html"
    return render(request, template, context, status=status)

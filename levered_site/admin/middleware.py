"""Middleware of the admin: the way in, a security policy, a limit on logins."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from levered_site.admin import login_metrics
from levered_site.api import rate_limits, requests
from levered_site.errors import RateLimitedError

JSON, HTML = "application/json", "text/html"
# Alpine evaluates expressions in HTML attributes, which needs 'unsafe-eval'.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class AdminMiddleware:
    """Add the Content-Security-Policy to each response below /admin.

    Also limit login attempts.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request, or answer 429 if it is a login attempt over the limit."""
        index = reverse("admin:index")
        # The user left out the final slash, or all of the path.
        if f"{request.path}/" == index or _opens_start_page(request):
            return HttpResponseRedirect(index)
        if not request.path.startswith(index):
            return self.get_response(request)
        try:
            limit_login_attempts(request)
            response = self.get_response(request)
        except RateLimitedError as error:
            login_metrics.count_login("limited")
            response = render_too_many_logins(request, error.retry_after or 1)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def _opens_start_page(request: HttpRequest) -> bool:
    """Return whether a browser asks for `/`; clients of the API do not prefer HTML."""
    if request.path_info != "/" or request.method not in {"GET", "HEAD"}:
        return False
    return request.get_preferred_type([JSON, HTML]) == HTML


def limit_login_attempts(request: HttpRequest) -> None:
    """Count the request against the limit if it is a login attempt.

    Count right and wrong passwords alike, so that the response does not tell which it
    was. Count by the client's network. Raises RateLimitedError over the limit
    `ADMIN_LOGINS`.
    """
    if request.method == "POST" and request.path == reverse("admin:login"):
        network = requests.get_client_network(request)
        rate_limits.count_request(
            request, "admin-login", settings.ADMIN_LOGINS, network
        )


def render_too_many_logins(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page that tells the user to wait `seconds` and try again."""
    context = {
        **admin.site.each_context(request),
        "seconds": seconds,
        "title": "Too many login attempts",
    }
    template = "levered_admin/too_many_logins.html"
    response = render(request, template, context, status=429)
    response["Retry-After"] = str(seconds)
    return response

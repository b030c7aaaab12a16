"""Middleware of the admin: a Content-Security-Policy and a limit on login attempts."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from levered_site.api import rate_limits, requests
from levered_site.errors import RateLimitedError

# Alpine evaluates expressions in HTML attributes, which needs 'unsafe-eval'.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class AdminMiddleware:
    """Add the policy to every response below /admin and limit login attempts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; reject a login attempt over the limit."""
        index = reverse("admin:index")
        if f"{request.path}/" == index:  # typed without the final slash
            return HttpResponseRedirect(index)
        if not request.path.startswith(index):
            return self.get_response(request)
        try:
            count_login_attempt(request)
            response = self.get_response(request)
        except RateLimitedError as error:
            response = render_too_many_logins(request, error.retry_after or 1)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def count_login_attempt(request: HttpRequest) -> None:
    """Count a login attempt by its client's network.

    Right and wrong passwords count alike, so that the response reveals nothing.
    Raises RateLimitedError over the limit `ADMIN_LOGINS`.
    """
    if request.method == "POST" and request.path == reverse("admin:login"):
        network = requests.get_client_network(request)
        rate_limits.count_request(
            request, "admin-login", settings.ADMIN_LOGINS, network
        )


def render_too_many_logins(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page of a login attempt over the limit: retry after `seconds`."""
    context = {
        **admin.site.each_context(request),
        "seconds": seconds,
        "title": "Too many attempts",
    }
    template = "levered_admin/too_many_logins.html"
    response = render(request, template, context, status=429)
    response["Retry-After"] = str(seconds)
    return response

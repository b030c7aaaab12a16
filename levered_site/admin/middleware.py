"""What protects the staff pages: a content policy, and a limit on attempts to log in."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from levered_site.api import rate_limits, requests
from levered_site.errors import RateLimitedError

# Alpine evaluates the expressions in the pages' attributes, hence 'unsafe-eval'.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class AdminMiddleware:
    """For everything below /admin: the policy on answers, the limit on log-ins."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand behind the session and the messages, which its page shows."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, refusing log-ins beyond the limit."""
        index = reverse("admin:index")
        if f"{request.path}/" == index:  # as people type it
            return HttpResponseRedirect(index)
        if not request.path.startswith(index):
            return self.get_response(request)
        try:
            count_login_attempt(request)
            response = self.get_response(request)
        except RateLimitedError as error:
            response = refuse_login(request, error.retry_after or 1)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


def count_login_attempt(request: HttpRequest) -> None:
    """Count a request that is an attempt to log in, by its sender's address.

    Right and wrong passwords count alike, so that the answer tells nothing.
    Raises RateLimitedError beyond `ADMIN_LOGINS`.
    """
    if request.method == "POST" and request.path == reverse("admin:login"):
        sender = requests.get_client_network(request)
        rate_limits.count_request(request, "admin-login", settings.ADMIN_LOGINS, sender)


def refuse_login(request: HttpRequest, seconds: int) -> HttpResponse:
    """Say that there were too many attempts, and when the next may be made."""
    context = {
        **admin.site.each_context(request),
        "seconds": seconds,
        "title": "Too many attempts",
    }
    response = render(request, "staff/too_many_logins.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response

"""What answers a form whose token is wrong: a page of the admin with its menu."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import csrf


def show_csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return a 403 that says to open the page again; Django's to those not logged in."""
    is_admin_page = request.path.startswith(reverse("admin:index"))
    if not (is_admin_page and admin.site.has_permission(request)):
        return csrf.csrf_failure(request, reason)
    context = {
        **admin.site.each_context(request),
        "title": "Nothing was saved: this form is too old",
        "status": "csrf",
    }
    return render(request, "levered_admin/error_page.html", context, status=403)

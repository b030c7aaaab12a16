"""A page whose headline and button Levered chooses, in one file of Django.

    pip install "django>=5.2,<6" ./clients/python
    export LEVERED_KEY=lev_... LEVERED_OPTIMIZATION=...
    python docs/examples/django/shop.py runserver 8000

The optimization varies `headline` and `button`; its reward is the event `purchase`. The
key is a secret one, with the scopes `serve` and `ingest`, not the publishable one of a
page. docs/in-your-app.md ("In Python") makes both and explains each step.
"""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from levered.django import LeveredRequest

OPTIMIZATION = os.environ.get("LEVERED_OPTIMIZATION", "")
# What visitors saw before, and see whenever there is no decision: the first levels.
BASELINE = {"headline": "Coffee, roasted today", "button": "Buy"}
PRICE = 12.5
PAGE = """<!doctype html>
<html lang="en"><title>Shop</title>
<h1>{headline}</h1>
<form method="post" action="/order">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}"><button>{button}</button>
</form></html>
"""

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    SECRET_KEY=os.environ.get("SECRET_KEY") or get_random_string(50),
    MIDDLEWARE=[
        "django.middleware.csrf.CsrfViewMiddleware",
        "levered.django.LeveredMiddleware",
    ],
    LEVERED={
        "api_url": os.environ.get("LEVERED_URL", "http://localhost:3100"),
        "api_key": os.environ.get("LEVERED_KEY", ""),
        # A visitor never waits longer than this for a variant.
        "timeout": float(os.environ.get("LEVERED_TIMEOUT", "0.5")),
    },
)


def show_page(request: LeveredRequest) -> HttpResponse:
    """Show the visitor's variant; the baseline while the service is away."""
    is_mobile = "Mobi" in request.headers.get("User-Agent", "")
    variant = request.levered.get_variant(
        OPTIMIZATION, {"device": "mobile" if is_mobile else "desktop"}, BASELINE
    )
    page = format_html(PAGE, token=get_token(request), **variant)
    # No cache may show one visitor's variant to another.
    return HttpResponse(page, headers={"Cache-Control": "private, no-store"})


@require_POST
def take_order(request: LeveredRequest) -> HttpResponse:
    """Take an order and tell Levered of it, once it is certain."""
    request.levered.track("purchase", PRICE)
    return HttpResponse("<h1>Thank you</h1>")


def report_health(_request: HttpRequest) -> HttpResponse:
    """Say that the program runs; asks Levered nothing."""
    return HttpResponse("ok")


urlpatterns = [
    path("", show_page),
    path("order", take_order),
    path("healthz", report_health),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)

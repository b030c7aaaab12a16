"""The Django middleware: a visitor in each request, remembered by a cookie."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered.django import LeveredMiddleware, Visitor
from optimizations.models import Assignment
from tests.support import factories
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import FALLBACK, PATIENT
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"


def visit(
    middleware: LeveredMiddleware, agent: str = BROWSER, known: str = ""
) -> HttpResponse:
    """Answer a request of a visitor, who may have been here before."""
    request = RequestFactory(headers={"User-Agent": agent}).get("/", secure=True)
    if known:
        request.COOKIES["levered_id"] = known
    return middleware(request)


def test_a_visitor_gets_a_variant_is_counted_and_known_again(
    live_server: LiveServer, settings: Settings
) -> None:
    optimization = make_live_optimization()
    key = factories.make_api_key(
        optimization.organization, "server", ("serve", "ingest")
    )
    settings.LEVERED = {"api_url": live_server.url, "api_key": key, "timeout": PATIENT}

    def show(request: HttpRequest) -> HttpResponse:
        visitor: Visitor = vars(request)["levered"]
        variant = visitor.get_variant(optimization.pk, {"device": "mobile"}, FALLBACK)
        visitor.track("purchase")
        return HttpResponse(variant["headline"])

    middleware = LeveredMiddleware(show)
    first = visit(middleware)
    cookie = first.cookies["levered_id"]
    second = visit(middleware, known=cookie.value)
    crawler = visit(middleware, "Mozilla/5.0 (compatible; Googlebot/2.1)", "robot")
    middleware._client.close()

    assert first.content == second.content in {b"A", b"B"}
    assert crawler.content in {b"A", b"B"}
    assert "levered_id" not in second.cookies
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert "Cookie" in first.headers["Vary"]
    assert Assignment.objects.get().anonymous_id == cookie.value
    rewards = ManagedReward.objects.values_list("anonymous_id", flat=True)
    assert sorted(rewards) == sorted([cookie.value, cookie.value, "robot"])


def test_a_page_without_a_variant_sets_no_cookie(settings: Settings) -> None:
    settings.LEVERED = {"api_url": "http://127.0.0.1:9"}
    middleware = LeveredMiddleware(lambda _: HttpResponse("hello"))

    response = visit(middleware)

    assert "levered_id" not in response.cookies
    assert "Vary" not in response.headers

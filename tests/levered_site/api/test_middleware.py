"""EnvelopeMiddleware: error format, request ids, strange URLs, other origins."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from levered_site.api import body_limits, cors
from levered_site.api.responses import build_success_response, json_view
from levered_site.errors import InvalidParametersError, RateLimitedError
from tests.support import factories

pytestmark = pytest.mark.urls(__name__)

RAISED: dict[str, Exception] = {
    "denied": PermissionDenied("not you"),
    "suspicious": SuspiciousOperation("what"),
    "away": OperationalError("connection to server at 10.0.0.7 failed"),
    "value": DataError("integer out of range"),
    "ours": InvalidParametersError.for_field("a.b[0].c", "is wrong"),
    "limit": RateLimitedError("slow down", retry_after=7),
    "bug": RuntimeError("password=hunter2"),
}


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind]


@cors.allow_any_origin
def public_fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind]


def html(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse("<p>no</p>", status=status)


@json_view("POST")
@body_limits.limit_body(100)
def small(request: HttpRequest) -> HttpResponse:
    return build_success_response({"length": len(request.body)})


@json_view("POST", any_origin=True)
def public(request: HttpRequest) -> HttpResponse:
    raise InvalidParametersError.for_field("x", "no")


urlpatterns = [
    path("fail/<str:kind>", fail),
    path("html/<int:status>", html),
    path("small", small),
    path("public", public),
    path("public-fail/<str:kind>", public_fail),
    path("admin/", admin.site.urls),
]


def _client(**options: Any) -> Any:  # the stubs have another type for its responses
    return Client(raise_request_exception=False, **options)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("denied", 403, "forbidden"),
        ("suspicious", 400, "bad_request"),
        ("away", 503, "unavailable"),
        ("value", 400, "invalid_parameters"),
        ("ours", 400, "invalid_parameters"),
        ("limit", 429, "rate_limited"),
        ("bug", 500, "internal_error"),
    ],
)
def test_an_exception_of_a_view_becomes_an_error_response(
    kind: str, status: int, code: str
) -> None:
    answer = _client().get(f"/fail/{kind}")

    error = factories.read_error(answer)
    assert (answer.status_code, error["code"]) == (status, code)
    assert b"10.0.0.7" not in answer.content
    assert b"hunter2" not in answer.content


def test_a_429_has_retry_after() -> None:
    answer = _client().get("/fail/limit")

    assert answer["Retry-After"] == "7"


def test_an_invalid_field_is_named_by_its_path() -> None:
    answer = _client().get("/fail/ours")

    assert factories.read_error(answer)["details"] == [
        {"field": "a.b[0].c", "message": "is wrong"}
    ]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 418, 500, 502, 503])
def test_an_html_error_becomes_an_api_error(status: int) -> None:
    answer = _client().get(f"/html/{status}")

    factories.read_error(answer)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"


def test_an_unknown_path_is_not_found() -> None:
    answer = _client().get("/nowhere/at/all")

    assert answer.status_code == 404
    assert factories.read_error(answer)["code"] == "not_found"


@pytest.mark.django_db
def test_the_admin_keeps_its_own_error_pages() -> None:
    answer = _client().get("/admin/nowhere", follow=True)

    assert answer["Content-Type"].startswith("text/html")
    assert answer["X-Request-Id"]


@pytest.mark.parametrize(
    "sent", ["", "a b", 'a"b', "a\\b", "<b>", "é", "x" * 129, "a,b", "a;b"]
)
def test_every_response_gets_a_new_request_id_unless_a_plain_one_is_sent(
    sent: str,
) -> None:
    client = _client(headers={"X-Request-Id": sent})

    ids = {client.get("/html/200")["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3
    assert all(re.fullmatch("req_[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize(
    "sent", ["req_mine", "x" * 128, "Root=1-67891233-abcdef012345678912345678"]
)
def test_a_plain_request_id_is_kept_in_header_and_body(sent: str) -> None:
    answer = _client(headers={"X-Request-Id": sent}).get("/api/v2/nowhere")

    assert answer["X-Request-Id"] == sent
    assert answer.json()["meta"]["request_id"] == sent


@pytest.mark.parametrize(
    "path",
    [
        "/html/404%00",
        "/html/404?a=%00",
        "/html/404?%00=1",
        "/%ff%fe",
        "/%ed%a0%80",
        "/html/404?a=%ff&b=%ed%a0%80",
        "/..%2f..%2fetc/passwd",
        "/" + "a" * 5000,
        "/html/404?" + "a=1&" * 5000,
    ],
)
def test_no_url_causes_a_500(path: str) -> None:
    answer = _client().get(path)

    factories.read_error(answer)
    assert answer.status_code in {400, 404}


def test_an_unknown_host_is_refused(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["levered.example"]

    answer = _client().get("/html/200", headers={"Host": "evil.example"})

    assert (answer.status_code, factories.read_error(answer)["code"]) == (
        400,
        "bad_request",
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "FOO", "OPTIONS"])
def test_another_method_is_not_allowed(method: str) -> None:
    answer = _client().generic(method, "/small")

    assert answer.status_code == 405
    assert factories.read_error(answer)["code"] == "method_not_allowed"
    assert answer["Allow"] == "POST"


def test_any_origin_may_read_every_response_of_a_public_endpoint() -> None:
    preflight = _client().options(
        "/public",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
        },
    )
    refused = _client().post(
        "/public", headers={"Origin": "https://shop.example"}, content_type="text/plain"
    )
    too_large = _client().post(
        "/public", b"x" * (body_limits.DEFAULT_LIMIT + 1), content_type="text/plain"
    )

    assert preflight.status_code == 204
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    for answer in (preflight, refused):
        assert answer["Access-Control-Allow-Origin"] == "https://shop.example"
    assert too_large["Access-Control-Allow-Origin"] == "*"


def test_any_origin_may_read_a_500_and_a_503_of_a_public_endpoint() -> None:
    client = _client()

    answers = [
        client.get(f"/public-fail/{kind}", headers={"Origin": "https://shop.example"})
        for kind in ("bug", "away")
    ]

    assert [answer.status_code for answer in answers] == [500, 503]
    for answer in answers:
        assert answer["Access-Control-Allow-Origin"] == "https://shop.example"

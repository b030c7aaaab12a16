"""The security headers of answers that Django's middleware does not see."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.test import Client, RequestFactory
from pytest_django import Settings

from levered_site.api import response_headers


def _answer(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"SECURE_HSTS_SECONDS": 60},
        {"SECURE_CONTENT_TYPE_NOSNIFF": False, "X_FRAME_OPTIONS": "sameorigin"},
        {"SECURE_REFERRER_POLICY": None, "SECURE_CROSS_ORIGIN_OPENER_POLICY": None},
    ],
)
def test_the_headers_are_those_of_djangos_middleware(
    settings: Settings, changes: dict[str, object], is_secure: bool
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    middleware = SecurityMiddleware(XFrameOptionsMiddleware(_answer))
    response = middleware(RequestFactory().get("/", secure=is_secure))
    assert isinstance(response, HttpResponse)

    headers = response_headers.build_security_headers(is_secure=is_secure)

    sent = dict(response.items())
    assert sent.pop("Content-Type")
    assert dict(headers) == sent


def test_a_request_refused_before_djangos_middleware_has_them_too() -> None:
    response = Client().post("/api/v2/me", headers={"Content-Encoding": "gzip"})

    assert response.status_code == 415
    for name, value in response_headers.build_security_headers():
        assert response[name] == value

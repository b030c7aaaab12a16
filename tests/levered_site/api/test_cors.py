"""CORS: serve answers every origin, the other endpoints the configured ones."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

SERVE = f"/api/v2/optimizations/{uuid.UUID(int=7)}/serve"


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]


def _preflight(path: str, origin: str) -> HttpResponse:
    response: Any = Client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,idempotency-key",
        },
    )
    assert isinstance(response, HttpResponse)
    return response


def test_a_configured_origin_may_use_management_endpoints() -> None:
    answer = _preflight("/api/v2/optimizations", "https://app.example")

    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]


def test_a_configured_origin_may_read_a_429(
    settings: Settings,
) -> None:
    cache.clear()
    settings.RATELIMIT_GLOBAL = "1/m"
    origin = "https://app.example"

    answers = [
        Client().get("/api/v2/nothing", headers={"Origin": origin}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [404, 429]
    assert answers[1]["Access-Control-Allow-Origin"] == origin


def test_another_origin_may_not_use_management_endpoints() -> None:
    answer = _preflight("/api/v2/optimizations", "https://evil.example")

    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("path", [SERVE, "/api/v2/optimizations/best-variant"])
@pytest.mark.parametrize("origin", ["https://app.example", "https://shop.example"])
def test_any_origin_may_use_serve(path: str, origin: str) -> None:
    answer = _preflight(path, origin)

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == "*"

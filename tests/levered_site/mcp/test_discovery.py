"""Metadata and CORS before sign-in, under other settings; and the rate limit."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.support import factories

pytestmark = pytest.mark.django_db

PATHS = (
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
)
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("path", PATHS)
def test_pages_of_any_origin_may_read_the_metadata_with_the_issuer(
    settings: Settings, path: str
) -> None:
    settings.CLERK_ISSUER = "https://clerk.example.com"
    settings.PUBLIC_URL = "https://levered.example.com"

    answer = Client().get(path, headers={"Origin": "https://inspector.example"})

    assert answer["Access-Control-Allow-Origin"] == "https://inspector.example"
    assert answer.json() == {
        "resource": "https://levered.example.com/mcp",
        "resource_name": "Levered",
        "bearer_methods_supported": ["header"],
        "authorization_servers": ["https://clerk.example.com"],
    }


def test_only_pages_of_configured_origins_may_call(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://agent.example"]

    def preflight(origin: str) -> HttpResponse:
        response: Any = Client().options(
            "/mcp",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "mcp-protocol-version",
            },
        )
        assert isinstance(response, HttpResponse)
        return response

    allowed, refused = map(preflight, ("https://agent.example", "https://evil.example"))

    assert allowed["Access-Control-Allow-Origin"] == "https://agent.example"
    for name in ("mcp-protocol-version", "mcp-method", "mcp-name", "authorization"):
        assert name in allowed["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in refused


def test_a_tool_call_counts_once_against_the_rate_limit(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "3/d"
    api = factories.make_admin_api(factories.make_organization())
    overview = {
        **LIST_TOOLS,
        "method": "tools/call",
        "params": {"name": "overview", "arguments": {}},
    }

    def call_overview() -> HttpResponse:
        accept = {"Accept": "application/json, text/event-stream"}
        return api.request("POST", "/mcp", overview, accept, base="")

    answers = [call_overview() for _ in range(3)]
    refused = call_overview()

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0]["RateLimit-Remaining"] == "2"
    assert refused.status_code == 429
    assert factories.read_error(refused)["code"] == "rate_limited"
    assert api.get("/me").status_code == 429


def test_calls_with_a_wrong_token_count_against_the_rate_limit(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL = "1/d"
    guesser = factories.Api("nonsense")

    answers = [guesser.request("POST", "/mcp", LIST_TOOLS, base="") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [401, 429]

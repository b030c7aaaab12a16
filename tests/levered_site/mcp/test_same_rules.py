"""A tool follows the rules of its endpoint: the same errors, the same audit entry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse

from levered_site.organizations.models import AuditEntry
from tests.support import factories, mcp_worlds, routes

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[3]
BODIES: list[dict[str, Any]] = [
    {"name": "", "training_data_config": mcp_worlds.CONFIG},
    {
        "name": "x",
        "training_data_config": mcp_worlds.CONFIG,
        "holdout_percentage": 95.5,
    },
    {
        "name": "x",
        "training_data_config": mcp_worlds.CONFIG
        | {"design_factors": [{"name": "a", "dtype": "str", "levels": ["b", "b"]}]},
    },
    {
        "name": "x",
        "training_data_config": mcp_worlds.CONFIG,
        "excluded_combinations": [{"headline": "Z"}],
        "allowed_origins": ["shop"],
    },
]
SHARED_BY_PEOPLE = "who sees results without a log-in is for people to say"
# Endpoints that no tool calls, and why none has to.
ENDPOINTS_WITHOUT_TOOLS = {
    "/api/v2/docs": "a page for people",
    "/api/v2/docs/start.js": "script of that page",
    "/api/v2/schema": "tools have schemas of their own",
    "/api/v2/optimizations/best-variant": "serve_variant takes the id of the optimization",
    "/api/v2/optimizations/best-variants": "serve_variant takes one at a time",
    "/api/v2/optimizations/{pk}/report-data": "its parts are views of get_results",
    "/api/v2/api-keys/{pk}/rotate": "create_api_key and delete replace a key",
    "/api/v2/optimizations/{optimization_id}/share-links": SHARED_BY_PEOPLE,
    "/api/v2/optimizations/{optimization_id}/share-links/{pk}": SHARED_BY_PEOPLE,
    "/api/v2/track": "pages send events there; send_events stores the same",
    "/healthz": "for the operator",
    "/readyz": "for the operator",
}


def test_some_tool_reaches_every_endpoint() -> None:
    """The code of the tools must contain the last word of each endpoint's path."""
    files = (ROOT / "levered_site" / "mcp").rglob("*.py")
    source = "".join(file.read_text() for file in files)
    paths = {route.path for route in routes.list_routes()} - set(
        ENDPOINTS_WITHOUT_TOOLS
    )

    def find_last_word(path: str) -> str:
        return str(re.findall(r"/([a-z-]+)", path)[-1])

    assert len(paths) > 35
    assert [path for path in sorted(paths) if find_last_word(path) not in source] == []


def call(api: factories.Api, tool: str, **arguments: Any) -> HttpResponse:
    """Call a tool with a raw message."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    return api.request("POST", "/mcp", body, headers, base="")


def document(answer: HttpResponse) -> dict[str, Any]:
    """Return the structured content of a call's answer."""
    content: dict[str, Any] = json.loads(answer.content)["result"]["structuredContent"]
    return content


@pytest.mark.parametrize("body", BODIES)
def test_a_tool_error_names_the_same_fields_as_the_endpoint(
    body: dict[str, Any],
) -> None:
    api = factories.make_admin_api(factories.make_organization())

    by_rest = factories.read_error(
        api.post("/optimizations", body | {"status": "draft"})
    )
    by_tool = document(call(api, "create_optimization", **body))["error"]

    fields = [
        {problem["field"] for problem in error["details"]}
        for error in (by_rest, by_tool)
    ]
    assert fields[0] == fields[1]


def test_the_audit_entry_of_a_tool_call_has_its_user_and_request_id() -> None:
    api = factories.make_admin_api(factories.make_organization())

    answer = call(api, "create_api_key", label="backend", confirm=True)

    entry = AuditEntry.objects.get(action="api_key.make")
    assert entry.request_id == answer["X-Request-Id"]
    assert (entry.actor_kind, entry.actor_id) == ("user", "user_alice")


def test_a_key_made_by_a_tool_has_the_scopes_that_were_asked_for() -> None:
    api = factories.make_admin_api(factories.make_organization())

    made = document(
        call(
            api,
            "create_api_key",
            label="CI",
            scopes=["read", "serve"],
            expires_at="2200-01-01T00:00:00Z",
            confirm=True,
        )
    )["api_key"]

    assert made["scopes"] == ["serve", "read"]
    assert made["expires_at"] == "2200-01-01T00:00:00Z"
    me = factories.read_body(factories.Api(made["secret"]).get("/me"))
    assert me["api_key"]["id"] == made["id"]


@pytest.mark.django_db(transaction=True)
def test_a_publishable_key_made_by_a_tool_sends_the_rewards_that_it_lists() -> None:
    api = factories.make_admin_api(factories.make_organization())
    arguments = {
        "label": "pages",
        "scopes": ["track"],
        "rewards": [{"name": "signup", "min": 1, "max": 1}],
        "origins": ["https://www.shop.example"],
    }

    preview = document(call(api, "create_api_key", **arguments))
    made = document(call(api, "create_api_key", **arguments, confirm=True))
    event = {"type": "reward", "name": "signup"}
    key = made["api_key"]["public_key"]
    body = {"key": key, "anonymous_id": "ann", "events": [event]}
    sent = factories.read_body(factories.Api().post("/track", body))

    assert preview["done"] is False
    assert "signup" in preview["summary"]
    assert "https://www.shop.example" in preview["summary"]
    assert key.startswith("lev_pub_")
    assert "secret" not in made["summary"]
    assert sent["accepted"] == 1


def test_a_call_without_a_confirm_leaves_no_audit_entry() -> None:
    api = factories.make_admin_api(factories.make_organization())

    preview = document(call(api, "create_api_key", label="backend"))

    assert preview["done"] is False
    assert not AuditEntry.objects.filter(action="api_key.make").exists()

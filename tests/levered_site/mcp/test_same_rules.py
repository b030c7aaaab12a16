"""A tool and its endpoint are one: the same refusals, the same audit entry."""

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
        "holdout_percentage": 50.5,
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


# What no tool asks for, and why it need not.
ELSEWHERE = {
    "/api/v2/docs": "a page for people",
    "/api/v2/docs/start.js": "of that page",
    "/api/v2/schema": "tools have schemas of their own",
    "/api/v2/optimizations/best-variant": "serve with its id elsewhere",
    "/api/v2/optimizations/{pk}/report-data": "its parts are views of get_results",
    "/healthz": "for the operator",
    "/readyz": "for the operator",
}


def test_every_endpoint_is_within_reach_of_a_tool() -> None:
    """By the last word of its path, so that a new one is not forgotten here."""
    files = (ROOT / "levered_site" / "mcp").rglob("*.py")
    source = "".join(file.read_text() for file in files)
    paths = {route.path for route in routes.list_routes()} - set(ELSEWHERE)

    def word(path: str) -> str:
        return str(re.findall(r"/([a-z-]+)", path)[-1])

    assert len(paths) > 35
    assert [path for path in sorted(paths) if word(path) not in source] == []


def call(api: factories.Api, tool: str, **arguments: Any) -> HttpResponse:
    """Call a tool by hand."""
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
    """Read the structured answer."""
    found: dict[str, Any] = json.loads(answer.content)["result"]["structuredContent"]
    return found


@pytest.mark.parametrize("body", BODIES)
def test_a_refusal_names_the_fields_that_the_endpoint_names(
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


def test_the_audit_log_holds_the_person_and_the_request_of_a_tool_call() -> None:
    api = factories.make_admin_api(factories.make_organization())

    made = call(api, "create_api_key", label="backend", confirm=True)

    entry = AuditEntry.objects.get(action="api_key.make")
    assert entry.request_id == made["X-Request-Id"]
    assert (entry.actor_kind, entry.actor_id) == ("user", "user_alice")


def test_a_rehearsal_leaves_no_audit_entry_either() -> None:
    api = factories.make_admin_api(factories.make_organization())

    shown = document(call(api, "create_api_key", label="backend"))

    assert shown["done"] is False
    assert not AuditEntry.objects.filter(action="api_key.make").exists()

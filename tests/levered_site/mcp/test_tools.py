"""Every tool with valid and with invalid input, called by the official client."""

import json
from typing import Any
from uuid import UUID

import pytest
from mcp import Client
from mcp.types import ListToolsResult

from levered_site.mcp import tools
from tests.support import mcp_agents, mcp_worlds
from tests.support.mcp_agents import MAX_RESULT_BYTES, measure_wire_size
from tests.support.mcp_worlds import World, fill_in_ids

MAX_LISTING_BYTES = 24_000
UNKNOWN_ID = str(UUID(int=7))
DETAILS = (
    *("summary", "factors", "exclusions", "guardrails", "variants", "model_state"),
    *("contexts", "coefficients", "policy", "training_runs"),
)
VIEWS = (
    *("summary", "variants", "factor_importance", "factor_utilities", "interactions"),
    *("context_importance", "contexts", "time_series", "regimes", "progress"),
    *("guardrails", "lift_history", "holdout_daily", "outcome_mix", "cells", "touches"),
    "sql",
)
# Arguments may contain fields of the world: {live}, {draft}, {metric}, {served}.
VALID_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("overview", {}),
    ("overview", {"show": "models", "limit": 1}),
    ("overview", {"show": "api_keys"}),
    ("overview", {"status": "live", "search": "one", "include_archived": True}),
    *(
        ("get_optimization", {"optimization_id": "{live}", "detail": d})
        for d in DETAILS
    ),
    *(("get_results", {"optimization_id": "{live}", "view": view}) for view in VIEWS),
    (
        "get_results",
        {"optimization_id": "{live}", "view": "progress", "refresh": "full"},
    ),
    *(("get_results", {"optimization_id": "{draft}", "view": view}) for view in VIEWS),
    (
        "get_results",
        {"optimization_id": "{live}", "view": "what_if", "policy": {"variant": 1}},
    ),
    ("explore_warehouse", {"look": "connection"}),
    ("explore_warehouse", {"look": "test"}),
    ("explore_warehouse", {"look": "tables"}),
    ("explore_warehouse", {"look": "columns", "table": "rewards"}),
    ("explore_warehouse", {"look": "query", "sql": "SELECT 1 AS one"}),
    ("explore_warehouse", {"look": "metrics"}),
    ("explore_warehouse", {"look": "metrics", "id": "{metric}"}),
    ("explore_warehouse", {"look": "preview", "of": "metrics", "id": "{metric}"}),
    ("explore_warehouse", {"look": "sources"}),
    ("define_metric", {"try_only": True, **mcp_worlds.METRIC}),
    ("define_metric", {"id": "{metric}", "name": "Other"}),
    (
        "create_optimization",
        {
            "name": "At once",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": "{metric}",
            "status": "live",
        },
    ),
    ("update_optimization", {"optimization_id": "{live}", "holdout_percentage": 20}),
    (
        "update_optimization",
        {"optimization_id": "{live}", "variant": {"number": 2, "enabled": False}},
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "candidate": {"allocation": "thompson"}},
    ),
    ("change_status", {"optimization_id": "{live}", "to": "paused"}),
    (
        "serve_variant",
        {
            "optimization_id": "{live}",
            "anonymous_id": "ü/?#%",
            "context": {"device": "mobile"},
        },
    ),
    ("explain_decision", {"optimization_id": "{live}", "anonymous_id": "{served}"}),
    ("train_model", {"optimization_id": "{live}"}),
    ("train_model", {"optimization_id": "{live}", "action": "status"}),
    ("connect_warehouse", {"provider": "managed"}),
    ("create_api_key", {"label": "backend"}),
    ("delete", {"kind": "optimization", "id": "{draft}"}),
    ("delete", {"kind": "person", "id": "{served}"}),
    ("delete", {"kind": "warehouse_connection"}),
]
# Tool, arguments, and a text that the error must contain.
INVALID_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("overview", {"limit": 0}, "limit"),
    ("overview", {"statu": "live"}, "did you mean status?"),
    ("overview", {"status": "lively"}, "'draft', 'live', 'paused'"),
    ("overview", {"cursor": "nonsense"}, "cursor"),
    ("get_optimization", {}, "optimization_id: is required"),
    ("get_optimization", {"optimization_id": "7"}, "optimization_id"),
    ("get_optimization", {"optimization_id": UNKNOWN_ID}, "overview"),
    (
        "get_optimization",
        {"optimization_id": "{live}", "detail": "variants", "cursor": "x"},
        "next_cursor",
    ),
    ("get_results", {"optimization_id": "{live}", "view": "all"}, "view"),
    ("get_results", {"optimization_id": "{live}", "view": "what_if"}, "policy"),
    (
        "get_results",
        {
            "optimization_id": "{live}",
            "view": "what_if",
            "policy": {"variant": 1, "version": 2},
        },
        "policy",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "candidate": {"allocation": "default"}},
        "something must differ",
    ),
    ("get_results", {"optimization_id": "{live}", "view": "candidate"}, "not_found"),
    (
        "train_model",
        {"optimization_id": "{live}", "action": "promote_candidate"},
        "no candidate",
    ),
    ("delete", {"kind": "candidate", "id": "{live}"}, "no candidate"),
    ("explore_warehouse", {"look": "columns"}, "table: is required here"),
    ("explore_warehouse", {"look": "columns", "table": "no"}, "no"),
    ("explore_warehouse", {"look": "query", "sql": "DELETE FROM x"}, "SELECT"),
    ("explore_warehouse", {"look": "metrics", "id": UNKNOWN_ID}, "not_found"),
    ("define_metric", {"name": "x"}, "sql"),
    ("define_metric", {"try_only": True, "kind": "assignment_source"}, "try_only"),
    (
        "define_metric",
        {"name": "x", **mcp_worlds.METRIC, "sql": "SELECT secret FROM pg_shadow"},
        "managed_dw",
    ),
    (
        "create_optimization",
        {
            "name": "x",
            "training_data_config": mcp_worlds.CONFIG
            | {"design_factors": [{"name": "a", "dtype": "str", "level": ["b"]}]},
        },
        "training_data_config.design_factors[0].level: unknown field; did you mean",
    ),
    (
        "create_optimization",
        {
            "name": "x",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": UNKNOWN_ID,
        },
        "explore_warehouse (look: metrics)",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "holdout_percentage": 60},
        "holdout_percentage",
    ),
    (
        "update_optimization",
        {"optimization_id": "{live}", "variant": {"number": 1, "enabled": False}},
        "baseline",
    ),
    (
        "update_optimization",
        {
            "optimization_id": "{draft}",
            "variant": {"number": 1, "screenshot_png": "no base64!"},
        },
        "variant.screenshot_png",
    ),
    (
        "change_status",
        {"optimization_id": "{draft}", "to": "shipped"},
        "may become live",
    ),
    ("change_status", {"optimization_id": "{live}", "to": "ended"}, "'paused'"),
    (
        "serve_variant",
        {"optimization_id": "{live}", "anonymous_id": ""},
        "anonymous_id",
    ),
    (
        "serve_variant",
        {"optimization_id": "{draft}", "anonymous_id": "x"},
        "conflict",
    ),
    (
        "explain_decision",
        {"optimization_id": "{live}", "anonymous_id": "nobody"},
        "never served",
    ),
    ("send_events", {"kind": "clicks", "events": []}, "'exposures' or 'rewards'"),
    (
        "send_events",
        {"kind": "rewards", "events": [{"anonymous_id": "x"}]},
        "name",
    ),
    ("train_model", {"optimization_id": "{draft}"}, "this one is draft"),
    ("train_model", {"optimization_id": "{live}", "bias": {"x": 1}}, "bias.x"),
    ("connect_warehouse", {"provider": "oracle"}, "'managed'"),
    ("connect_warehouse", {"provider": "postgres"}, "credentials"),
    ("create_api_key", {"label": ""}, "label"),
    ("create_api_key", {"label": "a\0b"}, "NUL"),
    ("create_api_key", {"label": "x", "scopes": []}, "scopes"),
    ("create_api_key", {"label": "x", "scopes": ["admin"]}, "'ingest', 'serve'"),
    ("create_api_key", {"label": "x", "expires_at": "2020-01-01"}, "in the future"),
    ("delete", {"kind": "metric", "id": UNKNOWN_ID}, "not_found"),
    ("delete", {"kind": "metric", "id": "{metric}"}, "conflict"),
    ("delete", {"kind": "metric", "confirm": "yes"}, "confirm"),
]


def test_the_listing_is_short_and_this_file_calls_every_tool(world: World) -> None:
    async def list_tools(client: Client) -> ListToolsResult:
        return await client.list_tools()

    listing = world.admin.run_in_session(list_tools)

    assert measure_wire_size(listing) < MAX_LISTING_BYTES
    names = {tool.name for tool in listing.tools}
    assert 10 <= len(names) <= 15
    assert names == {name for name, _ in VALID_CALLS} | {"send_events"}
    assert names == {name for name, _, _ in INVALID_CALLS}
    for tool in listing.tools:
        assert tool.description
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.read_only_hint is not None


def test_the_hints_say_which_tools_only_read_or_may_destroy() -> None:
    read_only = {
        name for name, tool in tools.TOOLS_BY_NAME.items() if tool.is_read_only
    }
    destructive = {
        name for name, tool in tools.TOOLS_BY_NAME.items() if tool.is_destructive
    }

    assert read_only == {
        "overview",
        "explore_warehouse",
        "get_optimization",
        "get_results",
        "explain_decision",
    }
    assert destructive == {
        "define_metric",  # it may replace a definition
        "update_optimization",
        "change_status",
        "train_model",  # it may cancel a run, and end a candidate
        "connect_warehouse",
        "delete",
    }
    for name in destructive:
        assert "confirm" in tools.TOOLS_BY_NAME[name].input_model.model_fields


@pytest.mark.parametrize(("tool", "arguments"), VALID_CALLS)
def test_valid_input_gets_a_short_answer_that_begins_with_its_summary(
    world: World, tool: str, arguments: dict[str, Any]
) -> None:
    result = world.admin.call_tool(tool, **fill_in_ids(arguments, world))

    assert not result.is_error, mcp_agents.read_text(result)
    assert measure_wire_size(result) < MAX_RESULT_BYTES
    assert next(iter(result.structured_content)) == "summary"
    assert json.loads(mcp_agents.read_text(result)) == result.structured_content


@pytest.mark.parametrize(("tool", "arguments", "problem"), INVALID_CALLS)
def test_invalid_input_gets_the_problem_and_the_next_step(
    world: World, tool: str, arguments: dict[str, Any], problem: str
) -> None:
    result = world.admin.call_tool(tool, **fill_in_ids(arguments, world))

    assert result.is_error, result.structured_content
    assert measure_wire_size(result) < MAX_RESULT_BYTES
    text = mcp_agents.read_text(result)
    assert problem in text
    assert "\nNext: " in text
    assert "\nrequest_id: req_" in text
    assert "Traceback" not in text

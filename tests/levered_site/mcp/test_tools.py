"""Every tool with valid and with invalid input, called by the official client."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp.types import ListToolsResult

from levered_site.mcp import tools
from tests.support import mcp_agents
from tests.support.mcp_agents import MAX_RESULT_BYTES, measure_wire_size
from tests.support.mcp_calls import INVALID_CALLS, VALID_CALLS
from tests.support.mcp_worlds import World, fill_in_ids

MAX_LISTING_BYTES = 24_000


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


def test_definitions_that_are_used_once_stand_where_they_are_used() -> None:
    schema = tools.TOOLS_BY_NAME["create_api_key"].input_schema()
    item = schema["properties"]["rewards"]["items"]
    creation = tools.TOOLS_BY_NAME["create_optimization"].input_schema()

    assert set(item["properties"]) == {"name", "min", "max"}
    assert item["properties"]["min"] == {"type": "number"}
    assert "$defs" not in schema
    assert set(creation["$defs"]) == {"Factor"}
    assert json.dumps(creation).count("#/$defs/Factor") == 2


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

"""The official client for TypeScript reads every answer, errors included."""

import json

from levered_site.mcp import tools
from tests.support import typescript_agents
from tests.support.mcp_calls import INVALID_CALLS, VALID_CALLS
from tests.support.mcp_worlds import World, fill_in_ids


def test_the_typescript_client_reads_every_answer(world: World) -> None:
    calls = [(tool, fill_in_ids(arguments, world)) for tool, arguments in VALID_CALLS]
    # Of nobody who was served: figures of other tests stay as they are.
    batch = {"kind": "rewards", "events": [{"anonymous_id": "ts", "name": "signup"}]}

    session = typescript_agents.call_tools(
        world.admin, [*calls, ("send_events", batch)]
    )

    assert session.tools == list(tools.TOOLS_BY_NAME)
    assert "overview" in session.instructions
    for (tool, arguments), result in zip(calls, session.results, strict=False):
        assert not result.get("is_error", True), (tool, arguments, result)
        assert json.loads(result["text"]) == result["document"]
    assert session.results[-1]["document"]["accepted"] == 1


def test_the_typescript_client_reads_every_error(world: World) -> None:
    calls = [
        (tool, fill_in_ids(arguments, world)) for tool, arguments, _ in INVALID_CALLS
    ]

    session = typescript_agents.call_tools(world.admin, calls)

    for (tool, arguments, problem), result in zip(
        INVALID_CALLS, session.results, strict=True
    ):
        assert result.get("is_error"), (tool, arguments, result)
        assert problem in result["text"]
        assert "\nNext: " in result["text"]
        assert result["text"].startswith(result["document"]["summary"])
        assert result["document"]["error"]["code"]


def test_the_typescript_client_reads_the_error_of_a_member_who_may_not(
    world: World,
) -> None:
    call = ("delete", {"kind": "optimization", "id": world.draft, "confirm": True})

    (result,) = typescript_agents.call_tools(world.member, [call]).results

    assert result["is_error"]
    assert result["text"].startswith("forbidden: ")


def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_tools(
    world: World,
) -> None:
    (result,) = typescript_agents.call_tools(world.admin, [("erase", {})]).results

    assert "overview, explore_warehouse" in result["thrown"]

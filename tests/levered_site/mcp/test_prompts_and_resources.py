"""Prompts and resources, read by the official client."""

import base64
import json
import re
from typing import get_args

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ReadResourceResult

from levered_site.mcp import prompts, tools
from levered_site.mcp.tools import optimization_details, results, warehouse
from tests.support import mcp_worlds
from tests.support.mcp_worlds import World

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def _read(world: World, uri: str) -> ReadResourceResult:
    async def read(client: Client) -> ReadResourceResult:
        result = await client.read_resource(uri)
        assert isinstance(result, ReadResourceResult)
        return result

    return world.admin.run_in_session(read)


def _read_text(world: World, uri: str) -> str:
    (content,) = _read(world, uri).contents
    assert hasattr(content, "text")
    return str(content.text)


def test_the_prompts_and_their_required_arguments(world: World) -> None:
    async def list_prompts(client: Client) -> dict[str, list[str]]:
        listing = await client.list_prompts()
        return {
            prompt.name: [
                argument.name
                for argument in prompt.arguments or []
                if argument.required
            ]
            for prompt in listing.prompts
        }

    assert world.admin.run_in_session(list_prompts) == {
        "set_up_optimization": ["page"],
        "explain_results": ["optimization_id"],
        "why_not_learning": ["optimization_id"],
    }


def test_a_prompt_contains_its_arguments_and_defaults(world: World) -> None:
    async def render(client: Client) -> str:
        arguments = {"optimization_id": "the {id}"}
        result = await client.get_prompt("explain_results", arguments)
        (message,) = result.messages
        assert message.content.type == "text"
        return str(message.content.text)

    text = world.admin.run_in_session(render)

    assert "optimization the {id} to a manager" in text


@pytest.mark.parametrize(
    ("name", "problem"),
    [("dance", "set_up_optimization"), ("why_not_learning", "needs")],
)
def test_an_unknown_or_incomplete_prompt_is_an_error(
    world: World, name: str, problem: str
) -> None:
    async def render(client: Client) -> None:
        await client.get_prompt(name, {})

    with pytest.raises(MCPError, match=problem):
        world.admin.run_in_session(render)


def test_the_concepts_are_short(world: World) -> None:
    text = _read_text(world, "levered://concepts")

    assert "measured lift" in text
    assert len(text.encode()) < 4_000


def test_prompts_name_only_existing_tools_views_and_details() -> None:
    text = "".join(template.text for template in prompts.PROMPT_TEMPLATES.values())
    tool_names = set(re.findall(r"`([a-z]+_[a-z_]+|overview)`", text))
    choices = [
        *get_args(results.ResultsInput.model_fields["view"].annotation),
        *get_args(optimization_details.GetInput.model_fields["detail"].annotation),
        *get_args(warehouse.ExploreInput.model_fields["look"].annotation),
    ]

    assert tool_names <= set(tools.TOOLS_BY_NAME)
    assert len(tool_names) > 7
    for kind in ("view", "detail", "look"):
        for choice in re.findall(rf"{kind}: ([a-z_]+)", text):
            assert choice in choices, choice


def test_only_the_organizations_optimizations_are_resources(
    world: World, other: World
) -> None:
    async def list_uris(client: Client) -> set[str]:
        listing = await client.list_resources()
        return {str(resource.uri) for resource in listing.resources}

    draft = mcp_worlds.create_draft(world.admin, "The newest", world.metric)
    uris = world.admin.run_in_session(list_uris)
    live = json.loads(_read_text(world, f"levered://optimizations/{world.live}"))
    rows = json.loads(_read_text(world, "levered://optimizations"))["optimizations"]

    assert "levered://concepts" in uris
    assert f"levered://optimizations/{world.live}" in uris
    assert f"levered://optimizations/{other.live}" not in uris
    assert live["optimization"]["name"] == "Live one"
    assert draft in {row["id"] for row in rows}


def test_another_organizations_optimization_is_not_found(
    world: World, other: World
) -> None:
    with pytest.raises(MCPError, match="no such resource"):
        _read(world, f"levered://optimizations/{other.live}")


def test_a_variants_screenshot_is_stored_and_read_back(world: World) -> None:
    world.admin.call_successfully(
        "update_optimization",
        optimization_id=world.draft,
        variant={"number": 2, "screenshot_png": PIXEL},
    )

    uri = f"levered://optimizations/{world.draft}/variants/2/screenshot"
    (content,) = _read(world, uri).contents

    assert hasattr(content, "blob")
    assert content.mime_type == "image/png"
    assert base64.b64decode(content.blob) == base64.b64decode(PIXEL)

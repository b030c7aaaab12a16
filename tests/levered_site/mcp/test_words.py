"""Prompts and resources, by the official client."""

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
from tests.support.mcp_worlds import World

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def _read(world: World, uri: str) -> ReadResourceResult:
    async def question(client: Client) -> ReadResourceResult:
        found = await client.read_resource(uri)
        assert isinstance(found, ReadResourceResult)
        return found

    return world.admin.ask(question)


def _text(world: World, uri: str) -> str:
    (content,) = _read(world, uri).contents
    assert hasattr(content, "text")
    return str(content.text)


def test_there_is_a_prompt_for_every_job(world: World) -> None:
    async def question(client: Client) -> dict[str, list[str]]:
        found = await client.list_prompts()
        return {
            prompt.name: [each.name for each in prompt.arguments or [] if each.required]
            for prompt in found.prompts
        }

    assert world.admin.ask(question) == {
        "set_up_optimization": ["page"],
        "explain_results": ["optimization_id"],
        "why_not_learning": ["optimization_id"],
    }


def test_a_prompt_is_worded_with_what_was_given(world: World) -> None:
    async def question(client: Client) -> str:
        asked = {"optimization_id": "the {id}"}
        found = await client.get_prompt("explain_results", asked)
        (message,) = found.messages
        assert message.content.type == "text"
        return str(message.content.text)

    said = world.admin.ask(question)

    assert "optimization the {id} to a manager" in said


@pytest.mark.parametrize(
    ("name", "said"), [("dance", "set_up_optimization"), ("why_not_learning", "needs")]
)
def test_a_prompt_that_cannot_be_worded_says_why(
    world: World, name: str, said: str
) -> None:
    async def question(client: Client) -> None:
        await client.get_prompt(name, {})

    with pytest.raises(MCPError, match=said):
        world.admin.ask(question)


def test_the_concepts_are_told_in_short(world: World) -> None:
    told = _text(world, "levered://concepts")

    assert "measured lift" in told
    assert len(told.encode()) < 4_000


def test_prompts_name_tools_views_and_details_that_there_are() -> None:
    said = "".join(job.text for job in prompts.PROMPT_TEMPLATES.values())
    named = set(re.findall(r"`([a-z]+_[a-z_]+|overview)`", said))
    choices = [
        *get_args(results.ResultsInput.model_fields["view"].annotation),
        *get_args(optimization_details.GetInput.model_fields["detail"].annotation),
        *get_args(warehouse.ExploreInput.model_fields["look"].annotation),
    ]

    assert named <= set(tools.TOOLS_BY_NAME)
    assert len(named) > 7
    for kind in ("view", "detail", "look"):
        for choice in re.findall(rf"{kind}: ([a-z_]+)", said):
            assert choice in choices, choice


def test_the_organizations_own_optimizations_are_resources(
    world: World, other: World
) -> None:
    async def question(client: Client) -> set[str]:
        found = await client.list_resources()
        return {str(resource.uri) for resource in found.resources}

    there = world.admin.ask(question)
    one = json.loads(_text(world, f"levered://optimizations/{world.live}"))
    rows = json.loads(_text(world, "levered://optimizations"))["optimizations"]

    assert "levered://concepts" in there
    assert f"levered://optimizations/{world.live}" in there
    assert f"levered://optimizations/{other.live}" not in there
    assert one["optimization"]["name"] == "Live one"
    assert world.draft in {row["id"] for row in rows}


def test_anothers_optimization_is_no_resource(world: World, other: World) -> None:
    with pytest.raises(MCPError, match="no such resource"):
        _read(world, f"levered://optimizations/{other.live}")


def test_a_variants_picture_goes_in_and_comes_back(world: World) -> None:
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

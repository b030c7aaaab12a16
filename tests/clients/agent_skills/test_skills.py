"""Skills name only commands, calls and fields that exist, and can be copied anywhere."""

import ast
import re

import click
import pydantic
import pytest

from levered.cli.main import cli
from levered_site.mcp.tools import TOOLS_BY_NAME
from tests.clients.agent_skills.skill_files import (
    FOLDER,
    Skill,
    find_commands,
    find_skills,
    parse_commands,
)
from tests.support.code_blocks import ROOT

SKILLS = find_skills()
COMMANDS = sorted({(s.name, tuple(each)) for s in SKILLS for each in find_commands(s)})
CALL = re.compile(r"[a-z_]+\(.*\)")
CALLS = sorted(
    {
        (s.name, code)
        for s in SKILLS
        for code in s.find_inline_code()
        if CALL.fullmatch(code) and not code.startswith("setConsent(")
    }
)
FIELD = re.compile(r"[a-z]+(?:_[a-z]+)+(?:\.[a-z]+(?:_[a-z]+)*)?")
# Written by the clients, not by the API.
CLIENT_NAMES = {"get_variant", "levered_id"}
LINK = re.compile(r"\]\(([^)]+)\)")


def parse(arguments: list[str]) -> None:
    """Parse a command line as `levered` does, and run nothing.

    Raises click.UsageError for an unknown command or option, or a wrong value.
    """
    context = cli.make_context("levered", list(arguments))
    command: click.Command = cli
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(("skill", "arguments"), COMMANDS)
def test_every_command_is_one_of_the_command_line(
    skill: str, arguments: tuple[str, ...]
) -> None:
    try:
        parse(list(arguments))
    except click.UsageError as error:
        pytest.fail(f"{skill}: levered {' '.join(arguments)}: {error.format_message()}")


@pytest.mark.parametrize(
    "line",
    [
        "levered optimizations start ID",
        "levered serve ID me --preview",
        "levered optimizations show",
        "levered env create",
        "levered api-keys create page --scope admin",
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    (arguments,) = parse_commands(line)

    with pytest.raises(click.UsageError):
        parse(arguments)


def list_problems(call: str) -> list[str]:
    """Return what a tool would refuse about a call, arguments left out excepted."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    if node.func.id not in TOOLS_BY_NAME:
        return [f"no tool {node.func.id}"]
    model = TOOLS_BY_NAME[node.func.id].input_model
    sent = {each.arg or "**": ast.literal_eval(each.value) for each in node.keywords}
    try:
        model.model_validate(sent)
    except pydantic.ValidationError as error:
        return [
            f"{each['loc']}: {each['msg']}"
            for each in error.errors()
            if each["type"] != "missing"
        ]
    return []


@pytest.mark.parametrize(("skill", "call"), CALLS)
def test_every_call_is_one_of_the_mcp_server(skill: str, call: str) -> None:
    assert list_problems(call) == [], skill


@pytest.mark.parametrize(
    "call",
    ["get_result()", 'get_results(view="lift")', 'change_status(to="live", yes=True)'],
)
def test_a_call_that_does_not_exist_is_found(call: str) -> None:
    assert list_problems(call)


def test_every_skill_works_with_both() -> None:
    named = {name for name, _ in COMMANDS} & {name for name, _ in CALLS}

    assert named == {skill.name for skill in SKILLS}
    assert len(named) == 4


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_every_field_stands_in_the_api_document(skill: Skill) -> None:
    document = (ROOT / "docs" / "openapi.yaml").read_text()
    known = set(re.findall(r"\w+", document)) | CLIENT_NAMES
    fields = [code for code in skill.find_inline_code() if FIELD.fullmatch(code)]

    unknown = [each for each in fields if not set(each.split(".")) <= known]

    assert unknown == []


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_front_matter_is_what_agents_read(skill: Skill) -> None:
    assert set(skill.front_matter) == {"name", "description"}
    assert skill.front_matter["name"] == skill.name
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", skill.name)
    assert len(skill.name) <= 64
    assert 50 <= len(skill.front_matter["description"]) <= 1024
    # A colon with a space, or " #", would make it something else than one YAML text.
    assert not re.search(r": | #", skill.front_matter["description"])


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_a_skill_stands_alone_when_it_is_copied(skill: Skill) -> None:
    assert LINK.findall(skill.text) == []
    assert [each.name for each in skill.path.parent.iterdir()] == ["SKILL.md"]


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_prose_is_wrapped(skill: Skill) -> None:
    lines = skill.prose.splitlines()

    assert [line for line in lines if len(line) > 100 and line[0] != "|"] == []


def test_the_readme_links_every_skill() -> None:
    links = LINK.findall((FOLDER / "README.md").read_text())

    linked = [link for link in links if link.endswith("SKILL.md")]
    assert sorted(linked) == [f"{skill.name}/SKILL.md" for skill in SKILLS]

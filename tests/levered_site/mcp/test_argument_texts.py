"""JSON values that arrive as text are taken where the schema expects the value."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from levered_site.errors import InvalidParametersError
from levered_site.mcp import tool_calls, tools

ID = "00000000-0000-4000-8000-000000000007"


def parse(tool: str, **arguments: Any) -> dict[str, Any]:
    """Return the arguments that the tool gets."""
    model = tools.TOOLS_BY_NAME[tool].input_model
    return tool_calls.parse_arguments(model, arguments).dump_sent("optimization_id")


@pytest.mark.parametrize(
    ("tool", "sent", "expected"),
    [
        ("overview", {"limit": "10"}, {"limit": 10}),
        ("overview", {"limit": 10.0}, {"limit": 10}),
        ("overview", {"limit": "10.0"}, {"limit": 10}),
        (
            "update_optimization",
            {"retrain_every_minutes": 30.0, "variant": {"number": 2.0}},
            {"retrain_every_minutes": 30, "variant": {"number": 2}},
        ),
        ("overview", {"include_archived": "True"}, {"include_archived": True}),
        (
            "serve_variant",
            {"anonymous_id": "12", "context": "{}", "dry_run": "false"},
            {"anonymous_id": "12", "context": {}, "dry_run": False},
        ),
        (
            "serve_variant",
            {"anonymous_id": "true", "context": '{"device": "mobile", "age": 3}'},
            {"anonymous_id": "true", "context": {"device": "mobile", "age": 3.0}},
        ),
        (
            "update_optimization",
            {"holdout_percentage": "12.5", "variant": '{"number": "2"}'},
            {"holdout_percentage": 12.5, "variant": {"number": 2}},
        ),
        (
            "create_api_key",
            {"label": "x", "rewards": '[{"name":"signup","min":"1","max":"1"}]'},
            {"label": "x", "rewards": [{"name": "signup", "min": 1.0, "max": 1.0}]},
        ),
        (
            "update_optimization",
            {"public_policy": "true"},
            {"public_policy": True},
        ),
        (
            "send_events",
            {"kind": "rewards", "events": '[{"anonymous_id": "7", "value": "3"}]'},
            {"kind": "rewards", "events": [{"anonymous_id": "7", "value": 3.0}]},
        ),
    ],
)
def test_a_text_counts_as_the_json_value_that_the_schema_expects(
    tool: str, sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    own = (
        {}
        if tool in {"overview", "send_events", "create_api_key"}
        else {"optimization_id": ID}
    )

    parsed = parse(tool, **own, **sent)

    for name, value in expected.items():
        if name != "events":
            assert parsed[name] == value
    if "events" in expected:
        (event,) = parsed["events"]
        assert (event["anonymous_id"], event["value"]) == ("7", 3.0)


@pytest.mark.parametrize(
    ("tool", "sent", "field"),
    [
        ("overview", {"limit": "ten"}, "limit"),
        ("overview", {"limit": "10.5"}, "limit"),
        ("overview", {"limit": 10.5}, "limit"),
        ("overview", {"limit": True}, "limit"),
        ("overview", {"limit": 1000.0}, "limit"),
        ("overview", {"limit": "true"}, "limit"),
        ("overview", {"limit": "1000"}, "limit"),
        ("overview", {"include_archived": "yes"}, "include_archived"),
        ("overview", {"include_archived": "1"}, "include_archived"),
        ("delete", {"kind": "metric", "confirm": "yes"}, "confirm"),
        (
            "serve_variant",
            {"optimization_id": ID, "anonymous_id": "a", "context": "[]"},
            "context",
        ),
        (
            "serve_variant",
            {"optimization_id": ID, "anonymous_id": "a", "context": "{"},
            "context",
        ),
    ],
)
def test_a_text_of_another_value_is_refused_by_its_field(
    tool: str, sent: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        parse(tool, **sent)

    assert [problem.field for problem in refused.value.details] == [field]


def test_a_nul_inside_a_text_of_json_is_refused() -> None:
    with pytest.raises(InvalidParametersError, match="NUL"):
        parse(
            "serve_variant",
            optimization_id=ID,
            anonymous_id="a",
            context='{"device": "\\u0000"}',
        )


def list_optional_arguments() -> list[tuple[str, str]]:
    return [
        (name, field)
        for name, tool in tools.TOOLS_BY_NAME.items()
        for field, info in tool.input_model.model_fields.items()
        if not info.is_required()
    ]


@pytest.mark.parametrize(("tool", "name"), list_optional_arguments())
def test_null_for_an_optional_argument_counts_as_none(tool: str, name: str) -> None:
    model = tools.TOOLS_BY_NAME[tool].input_model
    with pytest.raises(ValidationError) as without:
        model.model_validate({"x": 1})
    absent = {str(problem["loc"][0]) for problem in without.value.errors()}

    try:
        tool_calls.parse_arguments(model, {name: None})
    except InvalidParametersError as refused:
        problems = {problem.field for problem in refused.details}
        assert problems == absent - {"x"}


def test_null_for_a_required_argument_is_refused() -> None:
    with pytest.raises(InvalidParametersError) as refused:
        parse("serve_variant", optimization_id=ID, anonymous_id=None)

    assert [problem.field for problem in refused.value.details] == ["anonymous_id"]


Path = tuple[str | int, ...]
NO_TEXTS = ("integer", "number", "boolean", "object", "array")


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value without references and without null."""
    if "$ref" in schema:
        return resolve(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        kinds = [resolve(each, root) for each in schema["anyOf"]]
        kinds = [kind for kind in kinds if kind.get("type") != "null"]
        texts = [kind for kind in kinds if kind.get("type") == "string"]
        return (texts or kinds)[0]
    return schema


def build_example(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Return a value that the schema takes, with all its properties."""
    schema = resolve(schema, root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "array":
        return [build_example(schema["items"], root)]
    if kind == "object":
        named = list_properties(schema)
        return {name: build_example(inner, root) for name, inner in named.items()}
    number = min(schema.get("maximum", 5), max(schema.get("minimum", 1), 1))
    text = ID if schema.get("format") == "uuid" else "text"
    return {"string": text, "boolean": True}.get(str(kind), number)


def list_properties(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schemas of an object's values; those of any name under `name`."""
    any_name = schema.get("additionalProperties")
    others = {"name": any_name} if isinstance(any_name, dict) else {}
    return {**schema.get("properties", {}), **others}


def list_places(
    schema: dict[str, Any], root: dict[str, Any], place: Path = ()
) -> list[Path]:
    """Return where the schema takes a value that is no text, at any depth."""
    schema = resolve(schema, root)
    own = [place] if place and schema.get("type") in NO_TEXTS else []
    inner: dict[str | int, dict[str, Any]] = dict(list_properties(schema).items())
    if "items" in schema:
        inner[0] = schema["items"]
    return own + [
        found
        for name, each in inner.items()
        for found in list_places(each, root, (*place, name))
    ]


def replace_at(value: Any, place: Path) -> Any:
    """Return a copy of a value whose part at the place is JSON text."""
    if not place:
        return json.dumps(value)
    changed = value.copy()
    changed[place[0]] = replace_at(value[place[0]], place[1:])
    return changed


SCHEMAS = {
    name: tool.input_model.model_json_schema()
    for name, tool in tools.TOOLS_BY_NAME.items()
}


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        pytest.param(name, place, id=f"{name}: {'.'.join(map(str, place))}")
        for name, schema in SCHEMAS.items()
        for place in list_places(schema, schema)
    ],
)
def test_every_argument_that_is_no_text_may_come_as_text(
    tool: str, place: Path
) -> None:
    model = tools.TOOLS_BY_NAME[tool].input_model
    arguments = build_example(SCHEMAS[tool], SCHEMAS[tool])

    parsed = tool_calls.parse_arguments(model, replace_at(arguments, place))

    assert parsed == tool_calls.parse_arguments(model, arguments)


@pytest.mark.parametrize("tool", SCHEMAS)
def test_every_argument_may_come_as_text_at_once(tool: str) -> None:
    model = tools.TOOLS_BY_NAME[tool].input_model
    arguments = build_example(SCHEMAS[tool], SCHEMAS[tool])
    sent = arguments
    for place in list_places(SCHEMAS[tool], SCHEMAS[tool]):
        if len(place) == 1:
            sent = replace_at(sent, place)

    parsed = tool_calls.parse_arguments(model, sent)

    assert parsed == tool_calls.parse_arguments(model, arguments)

"""JSON values that arrive as text are taken where the schema expects the value."""

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
            "send_events",
            {"kind": "rewards", "events": '[{"anonymous_id": "7", "value": "3"}]'},
            {"kind": "rewards", "events": [{"anonymous_id": "7", "value": 3.0}]},
        ),
    ],
)
def test_a_text_counts_as_the_json_value_that_the_schema_expects(
    tool: str, sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    own = {} if tool in {"overview", "send_events"} else {"optimization_id": ID}

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

"""Dataclasses as payloads: the JSON that is sent, and the shape in the document."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
import pytest

from levered_site.api import openapi_dataclasses, responses


@dataclass(frozen=True, slots=True)
class Inner:
    """A part."""

    name: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    """A whole."""

    share: float | None
    inner: list[Inner]


def test_optional_fields_are_left_out_while_they_are_null() -> None:
    payload = Outer(None, [Inner("a"), Inner("b", 0)])

    body = orjson.loads(responses.to_json({"payload": payload}))

    assert body["payload"] == {
        "share": None,
        "inner": [{"name": "a"}, {"name": "b", "rows": 0}],
    }


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (int, {"type": "integer"}),
        (Any, {}),
        (str | None, {"type": ["string", "null"]}),
        (list[bool], {"type": "array", "items": {"type": "boolean"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, int],
            {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            dict[str, str],
            {"type": "object", "additionalProperties": {"type": "string"}},
        ),
        (
            Annotated[str, "A word.", {"maxLength": 8}],
            {"type": "string", "description": "A word.", "maxLength": 8},
        ),
        (int | str, {"oneOf": [{"type": "integer"}, {"type": "string"}]}),
    ],
)
def test_a_type_hint_has_its_schema(hint: Any, schema: dict[str, Any]) -> None:
    assert openapi_dataclasses.describe_type(hint, None) == schema


def test_a_literal_that_may_be_null_lists_null_among_its_values() -> None:
    schema = openapi_dataclasses.describe_type(Literal["a", "b"] | None, None)

    assert schema["enum"] == ["a", "b", None]
    assert schema["type"] == ["string", "null"]


@pytest.mark.parametrize("hint", [Literal[1, 2], Literal["a", 1]])
def test_a_literal_that_is_not_text_is_an_error(hint: Any) -> None:
    with pytest.raises(TypeError, match="not text"):
        openapi_dataclasses.describe_type(hint, None)


def test_a_hint_without_a_rule_is_an_error() -> None:
    with pytest.raises(TypeError, match="no OpenAPI schema"):
        openapi_dataclasses.describe_type(type[Outer], None)

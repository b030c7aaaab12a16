"""What a tool is: a name, words for an agent, typed input, a described answer, a deed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from levered_site.mcp.rest_api import Api, Json

JSON_TYPES = {
    "s": "string",
    "i": "integer",
    "n": "number",
    "b": "boolean",
    "o": "object",
    "a": "array",
}


class Input(BaseModel):
    """The arguments of a tool: unknown ones are refused, wrong types too."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def dump_sent(self, *without: str) -> Json:
        """Return what was sent, as JSON has it, without the named fields."""
        return self.model_dump(mode="json", exclude_unset=True, exclude=set(without))


ToolInput = TypeVar("ToolInput", bound=Input)


@dataclass(frozen=True, slots=True)
class Tool(Generic[ToolInput]):
    """One tool. `gives` names the answer's fields: `{"name": "s?"}`, see `described`."""

    name: str
    title: str
    description: str
    input_model: type[ToolInput]
    answer_fields: dict[str, str]
    run: Callable[[Api, ToolInput], Json]
    is_read_only: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False

    common_fields: ClassVar[dict[str, str]] = {"summary": "s", "next": "s"}

    def input_schema(self) -> Json:
        """Describe the arguments as JSON Schema, without what says nothing to an agent."""
        plain: Json = _simplify_schema(self.input_model.model_json_schema())
        for part in plain.get("$defs", {}).values():
            part.pop("additionalProperties", None)  # an error names an unknown field
        return plain

    def output_schema(self) -> Json:
        """Describe the answer; a failure answers a text and `error` instead."""
        fields = {**self.common_fields, **self.answer_fields}
        return {
            "type": "object",
            "properties": {name: describe_type(kind) for name, kind in fields.items()},
            "required": ["summary"],
        }


def describe_type(kind: str) -> Json:
    """Write a type: s, i, n, b, o, a; `?` after it allows null, `: words` explain it."""
    letter, _, words = kind.partition(": ")
    named: Any = JSON_TYPES[letter[0]]
    schema: Json = {"type": [named, "null"] if letter.endswith("?") else named}
    return schema | {"description": words} if words else schema


def _simplify_schema(schema: Any) -> Any:
    """Say the same in fewer words: an agent reads the whole listing before its first call.

    Titles and docstrings of models go, and that an optional argument may be null.
    """
    if isinstance(schema, list):
        return [_simplify_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: {key: _simplify_schema(inner) for key, inner in value.items()}
        if name in {"properties", "$defs"}
        else _simplify_schema(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
    if "properties" in kept:
        kept.pop("description", None)
    return _drop_null_type(kept) if "anyOf" in kept else kept


def _drop_null_type(schema: Json) -> Json:
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", "") is None:
        rest.pop("default")
    if len(kinds) == 1:
        return {**kinds[0], **rest}
    if all(set(kind) == {"type"} for kind in kinds):
        return {"type": [kind["type"] for kind in kinds], **rest}
    return {"anyOf": kinds, **rest}

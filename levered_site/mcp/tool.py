"""The definition of a tool, and the JSON schemas that describe it to agents."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from levered_site.mcp.rest_api import Api, Json

DEFINITIONS = "#/$defs/"
JSON_TYPES = {
    "s": "string",
    "i": "integer",
    "n": "number",
    "b": "boolean",
    "o": "object",
    "a": "array",
}


class Input(BaseModel):
    """Arguments of a tool; refuses unknown arguments and wrong types."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def dump_sent(self, *without: str) -> Json:
        """Return the arguments that were sent, as JSON, without the named ones."""
        return self.model_dump(mode="json", exclude_unset=True, exclude=set(without))


ToolInput = TypeVar("ToolInput", bound=Input)


@dataclass(frozen=True, slots=True)
class Tool(Generic[ToolInput]):
    """One tool; `answer_fields` maps each field of its answer to a `describe_type` text."""

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
        """Return the JSON Schema of the arguments, without what does not help an agent."""
        schema: Json = _simplify_schema(self.input_model.model_json_schema())
        for definition in schema.get("$defs", {}).values():
            # Saves bytes: an error names each unknown field.
            definition.pop("additionalProperties", None)
        return _inline_definitions(schema)

    def output_schema(self) -> Json:
        """Return the JSON Schema of the answer, which the `error` of a failed call fits too."""
        fields = {**self.common_fields, **self.answer_fields}
        return {
            "type": "object",
            "properties": {name: describe_type(text) for name, text in fields.items()},
            "required": ["summary"],
        }


def describe_type(text: str) -> Json:
    """Return the JSON Schema of a short type text such as "a: one row a variant".

    A letter of JSON_TYPES; `?` after it allows null; `: ` precedes a description.
    """
    letter, _, description = text.partition(": ")
    json_type: Any = JSON_TYPES[letter[0]]
    schema: Json = {"type": [json_type, "null"] if letter.endswith("?") else json_type}
    return schema | {"description": description} if description else schema


def _simplify_schema(schema: Any) -> Any:
    """Shorten a schema: an agent reads the listing of all tools before its first call.

    Removes titles, docstrings of models, and the null type of optional arguments.
    """
    if isinstance(schema, list):
        return [_simplify_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    simple = {
        name: {key: _simplify_schema(item) for key, item in value.items()}
        if name in {"properties", "$defs"}
        else _simplify_schema(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
        # Objects take any property unless a schema says otherwise.
        if not (name == "additionalProperties" and value is True)
    }
    if "properties" in simple:
        simple.pop("description", None)
    return _drop_null_type(simple) if "anyOf" in simple else simple


def _inline_definitions(schema: Json) -> Json:
    """Replace the only reference to a definition by the definition: it is shorter."""
    definitions: Json = schema.pop("$defs", {})
    text = json.dumps([schema, definitions])
    paths = {name: f"{DEFINITIONS}{name}" for name in definitions}
    single = {
        path: definitions[name]
        for name, path in paths.items()
        if text.count(f'"{path}"') == 1
    }
    kept = {
        name: _inline_references(each, single)
        for name, each in definitions.items()
        if paths[name] not in single
    }
    inlined: Json = _inline_references(schema, single)
    return inlined | ({"$defs": kept} if kept else {})


def _inline_references(value: Any, definitions: Json) -> Any:
    if isinstance(value, list):
        return [_inline_references(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    inlined = {
        key: _inline_references(item, definitions) for key, item in value.items()
    }
    definition = definitions.get(str(value.get("$ref")))
    if definition is None:
        return inlined
    inlined.pop("$ref")
    return {**_inline_references(definition, definitions), **inlined}


def _drop_null_type(schema: Json) -> Json:
    types = [item for item in schema["anyOf"] if item != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", "") is None:
        rest.pop("default")
    if len(types) == 1:
        return {**types[0], **rest}
    plain = [item["type"] for item in types if set(item) == {"type"}]
    others = [item for item in types if set(item) != {"type"}]
    if not others:
        return {"type": plain, **rest}
    merged = [{"type": plain}] if len(plain) > 1 else [{"type": each} for each in plain]
    return {"anyOf": [*merged, *others], **rest}

"""What a tool is: a name, words for an agent, typed input, a described answer, a deed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from levered_site.mcp.calls import Api, Json

TYPES = {
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

    def given(self, *without: str) -> Json:
        """Return what was sent, as JSON has it, without the named fields."""
        return self.model_dump(mode="json", exclude_unset=True, exclude=set(without))


Given = TypeVar("Given", bound=Input)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Given]):
    """One tool. `gives` names the answer's fields: `{"name": "s?"}`, see `described`."""

    name: str
    title: str
    description: str
    takes: type[Given]
    gives: dict[str, str]
    run: Callable[[Api, Given], Json]
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False

    always: ClassVar[dict[str, str]] = {"summary": "s", "next": "s"}

    def input_schema(self) -> Json:
        """Describe the arguments as JSON Schema, without what says nothing to an agent."""
        plain: Json = _plain(self.takes.model_json_schema())
        for part in plain.get("$defs", {}).values():
            part.pop("additionalProperties", None)  # an error names an unknown field
        return plain

    def output_schema(self) -> Json:
        """Describe the answer; a failure answers a text and `error` instead."""
        fields = {**self.always, **self.gives}
        return {
            "type": "object",
            "properties": {name: described(kind) for name, kind in fields.items()},
            "required": ["summary"],
        }


def described(kind: str) -> Json:
    """Write a type: s, i, n, b, o, a; `?` after it allows null, `: words` explain it."""
    letter, _, words = kind.partition(": ")
    named: Any = TYPES[letter[0]]
    schema: Json = {"type": [named, "null"] if letter.endswith("?") else named}
    return schema | {"description": words} if words else schema


def _plain(schema: Any) -> Any:
    """Say the same in fewer words: an agent reads the whole listing before its first call.

    Titles and docstrings of models go, and that an optional argument may be null.
    """
    if isinstance(schema, list):
        return [_plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: {key: _plain(inner) for key, inner in value.items()}
        if name in {"properties", "$defs"}
        else _plain(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
    if "properties" in kept:
        kept.pop("description", None)
    return _without_null(kept) if "anyOf" in kept else kept


def _without_null(schema: Json) -> Json:
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", "") is None:
        rest.pop("default")
    if len(kinds) == 1:
        return {**kinds[0], **rest}
    if all(set(kind) == {"type"} for kind in kinds):
        return {"type": [kind["type"] for kind in kinds], **rest}
    return {"anyOf": kinds, **rest}

"""Derive the OpenAPI schema of the dataclasses that views return.

`@extend_schema(responses=Results)` is all that a view has to declare. Type hints in the
dataclass become the schema:

- `Annotated[float, "Users per day."]` describes a field,
- `Annotated[str, {"maxLength": 8}]` adds to its schema,
- `tuple[float, float]` is an array of exactly two numbers, and
- a field that defaults to None may be left out of the answer, but is never null,
  because payloads.list_fields omits it.

The class names the component, and its docstring describes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from drf_spectacular import plumbing
from drf_spectacular.extensions import OpenApiSerializerExtension

Schema = dict[str, Any]
_plumbing: Any = plumbing  # half of its functions have no types


class DataclassExtension(OpenApiSerializerExtension):
    """Teach drf-spectacular to accept a dataclass where it expects a serializer."""

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return isinstance(target, type) and is_dataclass(target)

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        """Return the name of the component."""
        del auto_schema, direction
        name: str = self.target.__name__
        return name

    def map_serializer(self, auto_schema: Any, direction: Any) -> Schema:
        """Return the schema of the dataclass; dataclasses in it become components."""
        del direction
        hints = get_type_hints(self.target, include_extras=True)
        optional_names = {
            field.name for field in fields(self.target) if field.default is None
        }
        properties = {
            field.name: describe_type(
                hints[field.name],
                auto_schema,
                may_be_null=field.name not in optional_names,
            )
            for field in fields(self.target)
        }
        schema: Schema = _plumbing.build_object_type(
            properties=properties,
            required=properties.keys() - optional_names,
            description=_plumbing.get_doc(self.target),
        )
        return schema


def describe_type(hint: Any, auto_schema: Any, *, may_be_null: bool = True) -> Schema:
    """Return the schema of a type hint. Raises TypeError for one without a rule.

    Without `may_be_null` a None among its types is left out.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        schema = describe_type(arguments[0], auto_schema, may_be_null=may_be_null)
        return _add_notes(schema, arguments[1:])
    if origin in {Union, UnionType}:
        return _describe_union(arguments, auto_schema, may_be_null=may_be_null)
    if origin is Literal:
        return _describe_literal(arguments)
    if origin in {list, tuple, Sequence}:
        return _describe_array(origin, arguments, auto_schema)
    if origin in {dict, Mapping}:
        values = describe_type(arguments[1], auto_schema)
        return {"type": "object", "additionalProperties": values}
    return _describe_class(hint, auto_schema)


def _describe_literal(choices: tuple[Any, ...]) -> Schema:
    if not all(isinstance(choice, str) for choice in choices):
        raise TypeError(f"no OpenAPI schema for a Literal that is not text: {choices}")
    # drf-spectacular recognizes equal enums by this id, and makes them one component.
    enum_id = _plumbing.list_hash([(choice, choice) for choice in choices])
    return {"enum": [*choices], "type": "string", "x-spec-enum-id": enum_id}


def _describe_class(hint: Any, auto_schema: Any) -> Schema:
    if hint in {Any, object}:
        return {}
    if not isinstance(hint, type):
        raise TypeError(f"no OpenAPI schema for {hint!r}")
    schema: Schema
    if is_dataclass(hint):
        schema = auto_schema.resolve_serializer(hint, "response").ref
    elif issubclass(hint, Enum):
        schema = _plumbing.resolve_type_hint(hint)
    else:
        schema = _plumbing.build_basic_type(hint)
    return schema


def _describe_union(
    members: tuple[Any, ...], auto_schema: Any, *, may_be_null: bool
) -> Schema:
    member_types = [member for member in members if member is not NoneType]
    schemas = [describe_type(member, auto_schema) for member in member_types]
    schema: Schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    if len(member_types) == len(members) or not may_be_null:
        return schema
    if "enum" in schema:
        schema["enum"].append(None)
    return _add_notes(schema, [{"nullable": True}])


def _describe_array(
    origin: Any, arguments: tuple[Any, ...], auto_schema: Any
) -> Schema:
    schema: Schema = {"type": "array"}
    schema["items"] = describe_type(arguments[0], auto_schema)
    if origin is tuple and arguments[-1] is not Ellipsis:
        schema |= {"minItems": len(arguments), "maxItems": len(arguments)}
    return schema


def _add_notes(schema: Schema, notes: Sequence[str | Schema]) -> Schema:
    for note in notes:
        keywords = {"description": note} if isinstance(note, str) else note
        if not schema:  # anything, null included
            keywords = {key: keywords[key] for key in keywords if key != "nullable"}
        schema = _plumbing.append_meta(schema, keywords)
    return schema

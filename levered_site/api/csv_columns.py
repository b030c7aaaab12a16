"""The columns of a row, from its type: a dataclass, a TypedDict or a serializer.

They follow from the type alone, so that a null or an empty list changes no name.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from drf_spectacular.drainage import get_override
from rest_framework import serializers
from rest_framework.fields import empty

Path: TypeAlias = tuple[str, ...]
# `low` and `high` are the ends of an interval, `levels` one column for each factor, and
# `reasons` why figures are withheld.
Kind: TypeAlias = Literal["value", "low", "high", "levels", "reasons"]

REASONS_FIELD = "unavailable"
_get_override: Any = get_override  # drf-spectacular has no types


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the path of its value in the row, and which part of that it is."""

    path: Path
    kind: Kind = "value"

    @property
    def name(self) -> str:
        """The dotted name."""
        end = {"low": "_lo", "high": "_hi"}.get(self.kind, "")
        return ".".join(self.path) + end


@dataclass(frozen=True, slots=True)
class InnerRows:
    """A list in each row that has the rows: it reads as one object in its place.

    Attributes
    ----------
    field: the name of the list.
    row_type: of its entries.
    key: the name of the column of an entry's key, where they are an object by key.

    """

    field: str
    row_type: Any
    key: str = ""


@functools.cache
def list_columns(
    row_type: Any, inner: InnerRows | None = None, levels: frozenset[str] = frozenset()
) -> tuple[Column, ...]:
    """Return the columns of a type of rows.

    `levels` names the fields whose keys are factors, by their dotted names.
    """
    return tuple(_walk_type(row_type, (), inner, levels))


def _walk_type(
    row_type: Any, path: Path, inner: InnerRows | None, levels: frozenset[str]
) -> Iterator[Column]:
    for name, field_type in _list_fields(row_type):
        own = (*path, name)
        if inner is not None and own == (inner.field,):
            if inner.key:
                yield Column((*own, inner.key))
            yield from _walk_type(inner.row_type, own, None, levels)
        elif name == REASONS_FIELD:
            yield Column(own, "reasons")
        elif ".".join(own) in levels:
            yield Column(own, "levels")
        else:
            yield from _walk_field(field_type, own, levels)


def _walk_field(
    field_type: Any, path: Path, levels: frozenset[str]
) -> Iterator[Column]:
    bare = _strip_type(field_type)
    if _has_fields(bare):
        yield from _walk_type(bare, path, None, levels)
    elif _is_pair(bare):
        yield Column(path, "low")
        yield Column(path, "high")
    else:
        yield Column(path)


def _list_fields(row_type: Any) -> list[tuple[str, Any]]:
    if _is_serializer(row_type):
        instance = row_type() if isinstance(row_type, type) else row_type
        return list(instance.fields.items())
    return list(get_type_hints(row_type).items())


def _strip_type(field_type: Any) -> Any:
    """Return a type without None, and what a field declares that it returns."""
    if isinstance(field_type, serializers.SerializerMethodField):
        assert field_type.parent is not None
        method = getattr(field_type.parent, field_type.method_name or "")
        declared = _get_override(method, "field", default=empty)
        return None if declared is empty else declared
    if isinstance(field_type, serializers.Field):
        return _get_override(field_type, "field", default=field_type)
    if get_origin(field_type) in {Union, UnionType}:
        members = [each for each in get_args(field_type) if each is not NoneType]
        return members[0] if len(members) == 1 else None
    return field_type


def _has_fields(bare: Any) -> bool:
    if isinstance(bare, serializers.ListSerializer):
        return False
    return _is_serializer(bare) or is_dataclass(bare) or is_typeddict(bare)


def _is_serializer(bare: Any) -> bool:
    classes = serializers.Serializer
    return isinstance(bare, classes) or (
        isinstance(bare, type) and issubclass(bare, classes)
    )


def _is_pair(bare: Any) -> bool:
    """Return whether values are lists of exactly two: an interval."""
    if isinstance(bare, serializers.ListField):
        return bare.min_length == bare.max_length == 2
    members = get_args(bare)
    return get_origin(bare) is tuple and len(members) == 2 and members[1] is not ...

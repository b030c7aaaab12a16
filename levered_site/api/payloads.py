"""Payloads of responses as frozen dataclasses: which fields go into the JSON."""

import functools
from dataclasses import fields
from typing import Any


def is_payload(value: object) -> bool:
    """Return whether the value is an instance of a dataclass."""
    return hasattr(type(value), "__dataclass_fields__")


def list_fields(payload: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, one level deep.

    A field that defaults to None is optional in the JSON: it is left out while it is None.
    Raise TypeError if `payload` is no dataclass, as orjson expects of its `default`.
    """
    payload_type: Any = type(payload)
    names, optional_names = _list_field_names(payload_type)
    if not optional_names:
        return {name: getattr(payload, name) for name in names}
    return {
        name: value
        for name in names
        if (value := getattr(payload, name)) is not None or name not in optional_names
    }


@functools.cache
def _list_field_names(payload_type: type) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names of a dataclass's fields, and of those that are optional."""
    names = tuple(field.name for field in fields(payload_type))
    optional_names = (
        field.name for field in fields(payload_type) if field.default is None
    )
    return names, frozenset(optional_names)

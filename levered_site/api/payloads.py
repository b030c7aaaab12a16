"""Payloads of responses as frozen dataclasses: which fields go into the JSON."""

from dataclasses import fields, is_dataclass
from typing import Any


def is_payload(value: object) -> bool:
    """Return whether the value is an instance of a dataclass."""
    return is_dataclass(value) and not isinstance(value, type)


def list_fields(payload: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, one level deep.

    A field that defaults to None is optional in the JSON: it is left out while it is None.
    Raise TypeError if `payload` is no dataclass, as orjson expects of its `default`.
    """
    values = ((field, getattr(payload, field.name)) for field in fields(payload))
    return {
        field.name: value
        for field, value in values
        if value is not None or field.default is not None
    }

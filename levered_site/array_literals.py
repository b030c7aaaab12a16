"""Write lists as Postgres array literals, several times faster than the driver. Pure."""

from collections.abc import Sequence
from typing import Any

import orjson


def format_array(values: Sequence[Any]) -> str:
    """Return the literal of a one-dimensional array, to be cast to its type.

    `values` are texts without NUL, finite numbers, aware datetimes, or None. JSON and
    Postgres agree on commas, quotes, numbers and null; on escapes in part only.
    """
    elements = orjson.dumps(values)[1:-1]
    if b"\\" in elements:
        # The texts are variants and contexts mostly: few distinct ones.
        escaped = {value: _format_element(value) for value in set(values)}
        return "{" + ",".join(map(escaped.__getitem__, values)) + "}"
    return "{" + elements.decode() + "}"


def _format_element(value: Any) -> str:
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Write lists as Postgres array literals, several times faster than the driver. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

# JSON escapes a control character by other letters than an array literal. What looks like
# such an escape may be a backslash and a letter; the slow way is right for both.
CONTROL_ESCAPES: Final = (rb"\b", rb"\f", rb"\n", rb"\r", rb"\t", rb"\u")


def format_array(values: Sequence[Any]) -> str:
    r"""Return the literal of a one-dimensional array, to be cast to its type.

    `values` are texts without NUL, finite numbers, aware datetimes, or None. JSON and
    Postgres agree on commas, quotes, numbers, null, and on `\"` and `\\` in texts.
    """
    elements = orjson.dumps(values)[1:-1]
    if b"\\" in elements and any(escape in elements for escape in CONTROL_ESCAPES):
        return "{" + ",".join(map(_format_element, values)) + "}"
    return "{" + elements.decode() + "}"


def _format_element(value: Any) -> str:
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

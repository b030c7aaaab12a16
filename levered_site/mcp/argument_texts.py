"""Arguments that arrive as text: some agents send "true", "10" or "{}" for JSON values."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from levered_site.mcp.rest_api import Json

# What each of pydantic's problems expects. A text where text is valid has no problem.
EXPECTED_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool_type": (bool,),
    "int_type": (int,),
    "float_type": (int, float),
    "dict_type": (dict,),
    "model_type": (dict,),
    "list_type": (list,),
}


def parse_texts(arguments: Json, problems: Iterable[Any]) -> Json | None:
    """Return the arguments with each text replaced that holds the expected JSON value.

    `problems` are those that pydantic found in the arguments. Return None if no text is
    to be replaced.
    """
    parsed = arguments
    for problem in problems:
        value = _parse_text(problem["input"], EXPECTED_TYPES.get(problem["type"], ()))
        if value is None:
            continue
        try:
            parsed = _replace_value(parsed, problem["loc"], value)
        except (LookupError, TypeError, AttributeError):
            continue  # the location names a member of a union, which is no field
    return None if parsed is arguments else parsed


def _parse_text(text: object, types: tuple[type, ...]) -> Any:
    """Return the JSON value of a text if it is of one of the types, else None."""
    if not isinstance(text, str):
        return None
    is_boolean = types == (bool,)
    try:
        value = orjson.loads(text.lower() if is_boolean else text)
    except orjson.JSONDecodeError:
        return None
    return value if type(value) in types else None


def _replace_value(container: Any, path: Sequence[int | str], value: Any) -> Any:
    """Return a copy of a list or an object with another value at the path."""
    first, *rest = path
    changed = container.copy()
    changed[first] = _replace_value(container[first], rest, value) if rest else value
    return changed

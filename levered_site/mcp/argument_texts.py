"""Arguments in other notations: agents send "true" or "{}" as text, 10.0 for an integer."""

from collections.abc import Callable, Iterable, Sequence
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

    A number without a fraction, such as 10.0, is an integer in JSON Schema. `problems` are
    those that pydantic found in the arguments. Return None if nothing is to be replaced.
    """
    parsed = arguments
    for problem in problems:
        value = _parse_text(problem["input"], _list_expected_types(problem))
        if value is None:
            continue
        try:
            parsed = _replace_value(parsed, problem["loc"], value)
        except (LookupError, TypeError, AttributeError):
            continue  # the location names a member of a union, which is no field
    return None if parsed is arguments else parsed


def _list_expected_types(problem: Any) -> tuple[type, ...]:
    if problem["type"] == "literal_error" and problem["ctx"]["expected"] == "True":
        return (bool,)
    return EXPECTED_TYPES.get(problem["type"], ())


def _parse_text(text: object, types: tuple[type, ...]) -> Any:
    """Return the JSON value of a text or number if it is of one of the types, else None."""
    value = text
    if isinstance(text, str):
        try:
            value = orjson.loads(text.lower() if types == (bool,) else text)
        except orjson.JSONDecodeError:
            return None
    elif not isinstance(text, float):
        return None
    if types == (int,) and isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) in types else None


def _replace_value(container: Any, path: Sequence[int | str], value: Any) -> Any:
    """Return a copy of a list or an object with another value at the path."""
    first, *rest = path
    changed = container.copy()
    changed[first] = _replace_value(container[first], rest, value) if rest else value
    return changed


def drop_nulls(
    arguments: Json,
    problems: Iterable[Any],
    is_optional: Callable[[Sequence[Any]], bool],
) -> Json | None:
    """Return the arguments without the nulls that pydantic refused: they count as absent.

    `is_optional` tells whether a path leads to a field with a default. Return None if
    there is no such null.
    """
    kept = arguments
    for problem in problems:
        if problem["input"] is None and is_optional(problem["loc"]):
            kept = _remove_value(kept, problem["loc"])
    return None if kept is arguments else kept


def _remove_value(container: Any, path: Sequence[int | str]) -> Any:
    """Return a copy of a list or an object without what is at the path."""
    first, *rest = path
    changed = container.copy()
    if rest:
        changed[first] = _remove_value(container[first], rest)
    else:
        changed.pop(first, None)  # a union has a problem for each of its members
    return changed

"""Write JSON that may hold integers beyond 64 bits, which orjson refuses.

Postgres prints a float in jsonb without an exponent, so 7.3e19 is read back from a JSON
column as an integer.
"""

from collections.abc import Callable
from typing import Any

import orjson

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1


def dump_json(
    document: Any, default: Callable[[Any], Any] | None = None, option: int = 0
) -> bytes:
    """Return what orjson writes, with integers beyond 64 bits as floats.

    Raises TypeError for what JSON cannot hold, OverflowError for an integer beyond floats.
    """
    try:
        return orjson.dumps(document, default, option)
    except TypeError:  # rare, so that no other document is walked through

        def replace(value: Any) -> Any:
            if default is None:
                raise TypeError(f"{type(value).__name__} is no JSON")
            return _replace_wide_integers(default(value))

        return orjson.dumps(_replace_wide_integers(document), replace, option)


def _replace_wide_integers(value: Any) -> Any:
    """Return the value with floats for wide integers; orjson asks again for the rest."""
    if isinstance(value, dict):
        return {name: _replace_wide_integers(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_wide_integers(inner) for inner in value]
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        return float(value)
    return value

"""Levels of factors as the text by which they are compared, and as people name them. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

# Longer context values are cut: no level is as long, so they stay `other`.
MAX_CONTEXT_VALUE_LENGTH: Final = 256
NOT_SCALAR_MESSAGE: Final = "must be a string, a number, true, false or null"
BOOLEANS = frozenset({"true", "false"})


def format_level(value: object) -> str:
    """Return a JSON value as the text by which levels are compared.

    `true`/`false` for booleans, numbers in plain notation without trailing zeros (1.50
    is 1.5, 2.0 is 2), text as sent. No warehouse stores NUL, so U+FFFD, which is in no
    level, replaces it. Raises TypeError for null, a list or an object.
    """
    match value:
        case str():
            return value[:MAX_CONTEXT_VALUE_LENGTH].replace("\0", "\ufffd")
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = format(Decimal(repr(value)), "f")
            text = text.rstrip("0").rstrip(".") if "." in text else text
            return "0" if text == "-0" else text[:MAX_CONTEXT_VALUE_LENGTH]
        case _:
            raise TypeError(NOT_SCALAR_MESSAGE)


def name_levels(levels: Mapping[str, Any]) -> str:
    """Return the levels of a variant, by factor, as people speak of it."""
    return " · ".join(
        name_level(factor, format_level(level)) for factor, level in levels.items()
    )


def name_level(factor: str, text: str) -> str:
    """Return the text of a level; one that says nothing alone goes with its factor."""
    says_something = any(map(str.isalpha, text)) and text not in BOOLEANS
    return text if says_something else f"{factor} {text}".rstrip()

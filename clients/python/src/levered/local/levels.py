"""Context values as the text that levels are compared by, as the service makes it."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite

LONGEST_VALUE = 256
NOT_SCALAR_MESSAGE = "a context value must be a string, a number, true, false or None"
# Larger integers are floating-point numbers to the service.
INTEGERS = range(-(2**63), 2**64)


def clean_context(context: Mapping[str, object]) -> dict[str, object]:
    """Return a context as JSON can say it: without None, NaN and infinities."""
    return {
        name: value
        for name, value in context.items()
        if value is not None and not (isinstance(value, float) and not isfinite(value))
    }


def format_level(value: object) -> str | None:
    """Return a value as text; None for what JSON cannot say, which is missing.

    Raise TypeError for a list, a mapping and everything else.
    """
    if isinstance(value, str):
        return value[:LONGEST_VALUE].replace("\0", "\ufffd")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value in INTEGERS:
            return int.__repr__(value)
        return _format_float(float(value))
    if isinstance(value, float):
        return _format_float(value) if isfinite(value) else None
    if value is None:
        return None
    raise TypeError(NOT_SCALAR_MESSAGE)


def _format_float(value: float) -> str:
    """Return a plain decimal: without an exponent and without trailing zeros."""
    text = format(Decimal(float.__repr__(value)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text[:LONGEST_VALUE]

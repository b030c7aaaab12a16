"""Conversion of database values to JSON values."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal


def to_json_value(value: object) -> object:
    """Convert one value: timestamps to UTC, exact decimals to their text.

    A value that JSON cannot express (a range, an infinity) becomes its text, as
    databases print it.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _convert_number(value)
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in value]
    return _convert_to_text(value)


def _convert_number(value: float | Decimal) -> object:
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def _convert_to_text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)

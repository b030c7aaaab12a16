"""Values of a database as JSON has them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal


def to_json_value(found: object) -> object:
    """Turn one value into JSON's: moments in UTC, exact numbers as numbers.

    What JSON has no word for (a range, an infinity) becomes its text.
    """
    if found is None or isinstance(found, str | bool):
        return found
    if isinstance(found, int | float | Decimal):
        return _convert_number(found)
    if isinstance(found, Mapping):
        return {str(key): to_json_value(one) for key, one in found.items()}
    if isinstance(found, list | tuple):
        return [to_json_value(one) for one in found]
    return _convert_text(found)


def _convert_number(found: float | Decimal) -> object:
    if isinstance(found, int):
        return found if abs(found) < 2**63 else str(found)
    number = float(found)
    return number if math.isfinite(number) else str(found)


def _convert_text(found: object) -> str:
    if isinstance(found, datetime) and found.tzinfo is not None:
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(found, datetime):
        return found.isoformat()
    if isinstance(found, bytes | memoryview):
        return bytes(found).hex()
    return str(found)

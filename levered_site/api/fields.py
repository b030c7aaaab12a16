"""Serializer fields that accept exactly their JSON type and convert nothing."""

import math
import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

MAX_SAFE_INTEGER = 2**53  # JavaScript rounds larger JSON numbers
# Beyond them the items of a list are no longer validated. An error takes a kilobyte, an
# item as few as two bytes.
MOST_INVALID_ITEMS = 20


class StrictCharField(serializers.CharField):
    """Text, neither converted from numbers nor trimmed; blank only if `allow_blank`.

    The validators of the base class reject NUL and lone surrogates.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Reject text of spaces as blank, too."""
        if isinstance(data, str) and not data.strip() and not self.allow_blank:
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Accept only a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class StrictIntegerField(serializers.IntegerField):
    """A whole JSON number: not `true`, not "1". Within ±2^53 unless bounded."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", -MAX_SAFE_INTEGER)
        options.setdefault("max_value", MAX_SAFE_INTEGER)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        """Accept an int, or a float without a fraction: JSON has one number type."""
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        if isinstance(data, float) and not data.is_integer():
            self.fail("invalid")
        return int(data)


class StrictFloatField(serializers.FloatField):
    """A finite JSON number: not `true`, not "1.5"."""

    def to_internal_value(self, data: Any) -> float:
        """Accept an int or a finite float."""
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        number = float(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class StrictBooleanField(serializers.BooleanField):
    """JSON `true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        """Accept only a bool."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictUUIDField(serializers.UUIDField):
    """A UUID as text, parsed to a `uuid.UUID`."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Accept only the hyphenated form of 36 characters."""
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        parsed: uuid.UUID = super().to_internal_value(data)
        if str(parsed) != data.lower():
            self.fail("invalid", value=data)
        return parsed


class BoundedListField(serializers.ListField):
    """A list that is refused for its length before an item is validated."""

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        self._most_items = max_length

    def run_child_validation(self, data: Any) -> list[Any]:
        """Return the validated items. Raise ValidationError with the first invalid ones."""
        if len(data) > self._most_items:
            self.fail("max_length", max_length=self.max_length)
        return list(_validate_items(self.child, enumerate(data)).values())


class BoundedDictField(serializers.DictField):
    """An object that is refused for its number of keys before a value is validated."""

    default_error_messages = {"max_length": "must have at most {max_length} keys"}

    def __init__(self, *, max_length: int, **options: Any) -> None:
        self.max_length = max_length
        super().__init__(**options)

    def run_child_validation(self, data: Any) -> dict[str, Any]:
        """Return the validated values. Raise ValidationError with the first invalid ones."""
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return _validate_items(self.child, data.items())


def _validate_items(child: Any, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    validated, errors = {}, {}
    for key, item in items:
        try:
            validated[key] = child.run_validation(item)
        except serializers.ValidationError as error:
            errors[key] = error.detail
            if len(errors) == MOST_INVALID_ITEMS:
                break
    if errors:
        raise serializers.ValidationError(errors)
    return validated

"""Fields that take what they say and nothing that merely looks like it."""

import math
import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

MAX_SAFE_INTEGER = 2**53  # beyond it a JSON number is no longer exact in every client


class StrictCharField(serializers.CharField):
    """Text as sent: no numbers turned into text, no trimming; not blank unless allowed.

    NUL and lone surrogates are refused by the base class's validators.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Refuse blanks that consist of spaces, too."""
        if isinstance(data, str) and not data.strip() and not self.allow_blank:
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        """Take a string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class StrictIntegerField(serializers.IntegerField):
    """A whole number of JSON: not `true`, not "1". Within ±2^53 unless bounded."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", -MAX_SAFE_INTEGER)
        options.setdefault("max_value", MAX_SAFE_INTEGER)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        """Take an int, or a float without fraction: JSON knows no difference."""
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        if isinstance(data, float) and not data.is_integer():
            self.fail("invalid")
        return int(data)


class StrictFloatField(serializers.FloatField):
    """A number of JSON: not `true`, not "1.5", finite."""

    def to_internal_value(self, data: Any) -> float:
        """Take an int or a finite float."""
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        number = float(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false` of JSON."""

    def to_internal_value(self, data: Any) -> bool:
        """Take a bool."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictUUIDField(serializers.UUIDField):
    """A UUID as text; comes out as a `uuid.UUID`."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Take a string of 36 characters."""
        if not isinstance(data, str) or len(data) != 36:
            self.fail("invalid", value=data)
        found: uuid.UUID = super().to_internal_value(data)
        return found


class StrictDateTimeField(serializers.DateTimeField):
    """ISO 8601 with an offset."""

    def to_internal_value(self, data: Any) -> datetime:
        """Take a text that names one moment."""
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None or timezone.is_naive(moment):
            self.fail("invalid", format="ISO 8601 with an offset: 2026-03-28T14:22:00Z")
        return moment

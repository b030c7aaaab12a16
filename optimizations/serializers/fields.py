"""Fields of figures: a number that may be withheld, an interval."""

from typing import Any

from rest_framework import serializers


class IntervalField(serializers.ListField):
    """[lo, hi] of a 95% interval."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            child=serializers.FloatField(),
            min_length=2,
            max_length=2,
            allow_null=True,
            **options,
        )


def build_nullable_float(help_text: str = "") -> serializers.FloatField:
    """Describe a number that may be withheld."""
    return serializers.FloatField(allow_null=True, help_text=help_text)

"""Shapes of a training_data_config: factors, levels, reward, attribution."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import StrictChar, StrictInteger
from levered_site.api.serializers import StrictSerializer
from optimizations import factors
from optimizations.configuration import validation

MOST_FACTORS = 20
LONGEST_NAME = 100
LEVEL_VALUE = {"oneOf": [{"type": "string"}, {"type": "boolean"}]}
LEVEL = {
    "oneOf": [
        *LEVEL_VALUE["oneOf"],
        {
            "type": "object",
            "required": ["id", "value"],
            "properties": {"id": {"type": "string"}, "value": LEVEL_VALUE},
        },
    ]
}


@extend_schema_field(LEVEL_VALUE)
class LevelValueField(serializers.Field[Any, Any, Any, Any]):
    """A level as a value: a string, or true or false."""

    default_error_messages = {
        "invalid": "must be a string, or true or false",
        "length": f"must have 1 to {factors.LONGEST_LEVEL} characters",
        "nul": "must not contain a NUL character",
    }

    def to_internal_value(self, data: Any) -> str | bool:
        """Take a string or a bool as it is."""
        if isinstance(data, bool):
            return data
        if not isinstance(data, str):
            self.fail("invalid")
        if not 1 <= len(data) <= factors.LONGEST_LEVEL:
            self.fail("length")
        if "\0" in data:
            self.fail("nul")
        return data

    def to_representation(self, value: Any) -> Any:
        """Show it as it is."""
        return value


@extend_schema_field(LEVEL)
class LevelField(LevelValueField):
    """A level: a plain value, or `{"id", "value"}`; comes back as the latter."""

    default_error_messages = {
        "shape": 'must be a plain value or {{"id", "value"}}',
        "id": f"id must be a string of 1 to {factors.LONGEST_LEVEL} characters",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Take either form; a plain value's id is its text."""
        if not isinstance(data, dict):
            value = super().to_internal_value(data)
            return {"id": factors.level_text(value), "value": value}
        if set(data) != {"id", "value"}:
            self.fail("shape")
        known = data["id"]
        if not isinstance(known, str) or not 1 <= len(known) <= factors.LONGEST_LEVEL:
            self.fail("id")
        return {"id": known, "value": super().to_internal_value(data["value"])}


class FactorShape(StrictSerializer):
    """A factor: what varies, and the values it takes."""

    name = StrictChar(max_length=LONGEST_NAME)
    dtype = serializers.ChoiceField(choices=["str", "bool"])
    levels = serializers.ListField(
        child=LevelField(), min_length=1, max_length=validation.MOST_VARIANTS
    )


class RewardShape(StrictSerializer):
    """What success is called, and the kind of its metric."""

    name = StrictChar(max_length=200)
    type = serializers.ChoiceField(choices=["bool", "numeric", "outcomes"])


class AttributionShape(StrictSerializer):
    """Which exposure a reward counts for, and until when."""

    type = serializers.ChoiceField(
        choices=["last_touch", "first_touch"], default="last_touch"
    )
    conversion_window_hours = StrictInteger(
        min_value=1,
        max_value=validation.LONGEST_WINDOW,
        default=validation.DEFAULT_WINDOW,
    )
    horizon_hours = StrictInteger(
        min_value=1,
        max_value=validation.LONGEST_WINDOW,
        required=False,
        help_text="At least conversion_window_hours, which it is by default.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Complete it: the horizon is the window where none is given."""
        found = super().to_internal_value(data)
        found.setdefault("horizon_hours", found["conversion_window_hours"])
        return found


class TrainingDataConfigShape(StrictSerializer):
    """What varies, what it may depend on, and what counts."""

    reward = RewardShape()
    design_factors = serializers.ListField(
        child=FactorShape(), min_length=1, max_length=MOST_FACTORS
    )
    context_factors = serializers.ListField(
        child=FactorShape(), max_length=MOST_FACTORS, default=list
    )
    attribution = AttributionShape(required=False)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate it as a whole: a PATCH replaces it, and must not leave parts out."""
        if data is serializers.empty or self.parent is None:
            return super().run_validation(data)
        return TrainingDataConfigShape().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        """Complete it: attribution has a default for everything."""
        found = super().to_internal_value(data)
        if "attribution" not in found:
            found["attribution"] = AttributionShape().to_internal_value({})
        return found

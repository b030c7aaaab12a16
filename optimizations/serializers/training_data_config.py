"""Shapes of a training_data_config: factors, levels, reward, attribution."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site import limits
from levered_site.api.fields import StrictCharField, StrictIntegerField
from levered_site.api.serializers import StrictSerializer
from optimizations import factors
from optimizations.configuration import validation

MOST_FACTORS = 20
LONGEST_NAME = 100
LEVEL_VALUE_SCHEMA = {"oneOf": [{"type": "string"}, {"type": "boolean"}]}
LEVEL_SCHEMA = {
    "oneOf": [
        *LEVEL_VALUE_SCHEMA["oneOf"],
        {
            "type": "object",
            "required": ["id", "value"],
            "properties": {"id": {"type": "string"}, "value": LEVEL_VALUE_SCHEMA},
        },
    ]
}


@extend_schema_field(LEVEL_VALUE_SCHEMA)
class LevelValueField(serializers.Field[Any, Any, Any, Any]):
    """A level as a value: a string, or true or false."""

    default_error_messages = {
        "invalid": "must be a string, or true or false",
        "length": f"must have 1 to {factors.MAX_LEVEL_LENGTH} characters",
        "nul": "must not contain a NUL character",
    }

    def to_internal_value(self, data: Any) -> str | bool:
        """Take a string or a bool as it is."""
        if isinstance(data, bool):
            return data
        if not isinstance(data, str):
            self.fail("invalid")
        if not 1 <= len(data) <= factors.MAX_LEVEL_LENGTH:
            self.fail("length")
        if "\0" in data:
            self.fail("nul")
        return data

    def to_representation(self, value: Any) -> Any:
        """Show it as it is."""
        return value


@extend_schema_field(LEVEL_SCHEMA)
class LevelField(LevelValueField):
    """A level: a plain value, or `{"id", "value"}`; comes back as the latter."""

    default_error_messages = {
        "shape": 'must be a plain value or {{"id", "value"}}',
        "id": f"id must be a string of 1 to {factors.MAX_LEVEL_LENGTH} characters",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Take either form; a plain value's id is its text."""
        if not isinstance(data, dict):
            value = super().to_internal_value(data)
            return {"id": factors.format_level(value), "value": value}
        if set(data) != {"id", "value"}:
            self.fail("shape")
        known = data["id"]
        if (
            not isinstance(known, str)
            or not 1 <= len(known) <= factors.MAX_LEVEL_LENGTH
        ):
            self.fail("id")
        return {"id": known, "value": super().to_internal_value(data["value"])}


class FactorSerializer(StrictSerializer):
    """A factor: what varies, and the values it takes."""

    name = StrictCharField(max_length=LONGEST_NAME)
    dtype = serializers.ChoiceField(choices=["str", "bool"])
    levels = serializers.ListField(
        child=LevelField(), min_length=1, max_length=validation.MAX_VARIANTS
    )


class RewardSerializer(StrictSerializer):
    """What success is called, and the kind of its metric."""

    name = StrictCharField(max_length=200)
    type = serializers.ChoiceField(choices=["bool", "numeric", "outcomes"])


class AttributionSerializer(StrictSerializer):
    """Which exposure a reward counts for, and until when."""

    type = serializers.ChoiceField(
        choices=["last_touch", "first_touch"], default="last_touch"
    )
    conversion_window_hours = StrictIntegerField(
        min_value=1,
        max_value=limits.MAX_CONVERSION_WINDOW_HOURS,
        default=limits.DEFAULT_CONVERSION_WINDOW_HOURS,
    )
    horizon_hours = StrictIntegerField(
        min_value=1,
        max_value=limits.MAX_CONVERSION_WINDOW_HOURS,
        required=False,
        help_text="At least conversion_window_hours, which it is by default.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Complete it: the horizon is the window where none is given."""
        found = super().to_internal_value(data)
        found.setdefault("horizon_hours", found["conversion_window_hours"])
        return found


class TrainingDataConfigSerializer(StrictSerializer):
    """What varies, what it may depend on, and what counts."""

    reward = RewardSerializer()
    design_factors = serializers.ListField(
        child=FactorSerializer(), min_length=1, max_length=MOST_FACTORS
    )
    context_factors = serializers.ListField(
        child=FactorSerializer(), max_length=MOST_FACTORS, default=list
    )
    attribution = AttributionSerializer(required=False)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate it as a whole: a PATCH replaces it, and must not leave parts out."""
        if data is serializers.empty or self.parent is None:
            return super().run_validation(data)
        return TrainingDataConfigSerializer().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        """Complete it: attribution has a default for everything."""
        found = super().to_internal_value(data)
        if "attribution" not in found:
            found["attribution"] = AttributionSerializer().to_internal_value({})
        return found

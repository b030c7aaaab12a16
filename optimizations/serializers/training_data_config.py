"""Fields and serializers of a training_data_config: factors, reward, attribution."""

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site import limits
from levered_site.api.fields import (
    BoundedListField,
    StrictCharField,
    StrictIntegerField,
)
from levered_site.api.serializers import StrictSerializer
from levered_site.level_texts import format_level
from optimizations import factors
from optimizations.configuration import validation

MOST_FACTORS = 20
LONGEST_NAME = 100
LEVEL_VALUE_SCHEMA = {
    "oneOf": [{"type": "string"}, {"type": "boolean"}, {"type": "number"}]
}
# As many digits as every reader keeps, and decimals as every warehouse does.
MAX_DIGITS, MAX_DECIMALS = 15, 12
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
    """The value of a level: a string, a number, or true or false."""

    default_error_messages = {
        "invalid": "must be a string, a number, true or false",
        "digits": (
            f"must have at most {MAX_DIGITS} digits, {MAX_DECIMALS} of them after the "
            "decimal point"
        ),
        "length": f"must have 1 to {factors.MAX_LEVEL_LENGTH} characters",
        "nul": "must not contain a NUL character",
    }

    def to_internal_value(self, data: Any) -> str | float:
        """Accept a string, a bool or a number, which is an int if it has no fraction."""
        if isinstance(data, bool):
            return data
        if isinstance(data, int | float):
            return self._read_number(data)
        if not isinstance(data, str):
            self.fail("invalid")
        if not 1 <= len(data) <= factors.MAX_LEVEL_LENGTH:
            self.fail("length")
        if "\0" in data:
            self.fail("nul")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the value unchanged."""
        return value

    def _read_number(self, data: float) -> float:
        if not math.isfinite(data):
            self.fail("invalid")
        text = format_level(data).lstrip("-")
        whole, _, fraction = text.partition(".")
        if len(whole + fraction) > MAX_DIGITS or len(fraction) > MAX_DECIMALS:
            self.fail("digits")
        return data if fraction else int(data)


@extend_schema_field(LEVEL_VALUE_SCHEMA)
class ComparedLevelField(LevelValueField):
    """A value that is compared with levels, as text: 1 is the level "1"."""

    def to_internal_value(self, data: Any) -> Any:
        """Accept any number, too."""
        if isinstance(data, int | float):
            return data
        return super().to_internal_value(data)


@extend_schema_field(LEVEL_SCHEMA)
class LevelField(LevelValueField):
    """A level: a plain value, or `{"id", "value"}`, which responses always show."""

    default_error_messages = {
        "shape": 'must be a string, a number, true, false, or {{"id", "value"}}',
        "id": f"id must be a string of 1 to {factors.MAX_LEVEL_LENGTH} characters",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Accept either form; the id of a plain value is its text."""
        if not isinstance(data, dict):
            value = super().to_internal_value(data)
            return {"id": format_level(value), "value": value}
        if set(data) != {"id", "value"}:
            self.fail("shape")
        level_id = data["id"]
        if (
            not isinstance(level_id, str)
            or not 1 <= len(level_id) <= factors.MAX_LEVEL_LENGTH
        ):
            self.fail("id")
        return {"id": level_id, "value": super().to_internal_value(data["value"])}


class FactorSerializer(StrictSerializer):
    """A factor and its levels."""

    name = StrictCharField(max_length=LONGEST_NAME)
    dtype = serializers.ChoiceField(
        choices=["str", "bool", "number"],
        required=False,
        help_text="By default that of the levels: all texts, all numbers, or true and "
        "false.",
    )
    levels = BoundedListField(
        child=LevelField(), min_length=1, max_length=validation.MAX_VARIANTS
    )

    def to_internal_value(self, data: Any) -> Any:
        """Add the dtype that the levels have."""
        factor = super().to_internal_value(data)
        if "dtype" not in factor:
            values = [level["value"] for level in factor["levels"]]
            factor["dtype"] = validation.find_dtype(values)
        return factor


class RewardSerializer(StrictSerializer):
    """The name of the reward, and the kind of its metric."""

    name = StrictCharField(max_length=200)
    type = serializers.ChoiceField(choices=["bool", "numeric", "outcomes"])


class AttributionSerializer(StrictSerializer):
    """Which exposure a reward counts for, and for how long."""

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
        help_text="At least conversion_window_hours, which is the default.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Add the default horizon, which is the conversion window."""
        attribution = super().to_internal_value(data)
        window = attribution["conversion_window_hours"]
        attribution.setdefault("horizon_hours", window)
        return attribution


class TrainingDataConfigSerializer(StrictSerializer):
    """What varies, what it may depend on, and which reward counts."""

    reward = RewardSerializer()
    design_factors = BoundedListField(
        child=FactorSerializer(), min_length=1, max_length=MOST_FACTORS
    )
    context_factors = BoundedListField(
        child=FactorSerializer(), max_length=MOST_FACTORS, default=list
    )
    attribution = AttributionSerializer(required=False)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate it apart from a PATCH, which replaces it whole and may omit no part."""
        if data is serializers.empty or self.parent is None:
            return super().run_validation(data)
        return TrainingDataConfigSerializer().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        """Add the default attribution if there is none."""
        config = super().to_internal_value(data)
        if "attribution" not in config:
            config["attribution"] = AttributionSerializer().to_internal_value({})
        return config

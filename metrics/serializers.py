"""Serializers of metrics and assignment sources."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import (
    BoundedListField,
    StrictBooleanField,
    StrictCharField,
    StrictFloatField,
    StrictIntegerField,
)
from levered_site.api.serializers import StrictSerializer
from metrics import currencies
from metrics.models import AssignmentSource, Metric
from warehouse.serializers import (
    MAX_ROWS,
    ColumnMappingSerializer,
    SqlField,
    WholeValueSerializer,
)
from warehouse.sql.shapes import FAILURE_OUTCOME

MAX_LOOK_BACK_DAYS = 3650
MIN_VALUE_PER_CONVERSION, MAX_VALUE_PER_CONVERSION = 1e-9, 1e12
VALUE_HELP = (
    "What a conversion is worth, above 0, in `currency`: for metrics of conversions "
    "(`bool` without outcomes). It changes no count, so it may change at any time."
)
CURRENCY_HELP = "The code of ISO 4217 (`EUR`) of `value_per_conversion`, or of the values themselves."
NO_CONVERSIONS = (
    "must be null: only conversions (`bool` without outcomes) have it. Amounts and the "
    "weights of outcomes are values themselves; name their `currency`"
)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "number"}]})
class MatchValueField(serializers.Field[Any, Any, Any, Any]):
    """A string or a number."""

    def to_internal_value(self, data: Any) -> str | float:
        """Accept a JSON string or a JSON number."""
        field = (
            StrictCharField(max_length=200)
            if isinstance(data, str)
            else StrictFloatField()
        )
        value: str | float = field.run_validation(data)
        return value

    def to_representation(self, value: Any) -> Any:
        """Return the value unchanged."""
        return value


class OutcomeMatchSerializer(WholeValueSerializer):
    """The rewards that belong to an outcome."""

    by = serializers.ChoiceField(choices=("name", "value"))
    value = MatchValueField(help_text="A string; if `by` is `value`, also a number.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise if the outcome is matched by a name that is a number."""
        if attrs["by"] == "name" and not isinstance(attrs["value"], str):
            raise serializers.ValidationError(
                {"value": "must be a string, because `by` is `name`"}
            )
        return attrs


class OutcomeSerializer(WholeValueSerializer):
    """A possible outcome of a user's visit, and what it is worth."""

    key = StrictCharField(max_length=100)
    weight = StrictFloatField(min_value=-1e12, max_value=1e12)
    match = OutcomeMatchSerializer()

    def validate_key(self, key: str) -> str:
        """Raise if the key is reserved."""
        if key == FAILURE_OUTCOME or key.startswith("__"):
            raise serializers.ValidationError(f"{key} is reserved")
        return key


class MetricBodySerializer(StrictSerializer):
    """The body of a new metric, or of a change."""

    name = StrictCharField(max_length=200)
    sql = SqlField()
    column_mapping = ColumnMappingSerializer()
    outcomes = BoundedListField(
        child=OutcomeSerializer(), required=False, allow_null=True, max_length=50
    )
    direction = serializers.ChoiceField(
        choices=Metric.Direction.choices, required=False
    )
    look_back_days = StrictIntegerField(
        min_value=0,
        max_value=MAX_LOOK_BACK_DAYS,
        required=False,
        help_text="How far before going live `@start_date` reaches; 0 where not given.",
    )
    value_per_conversion = StrictFloatField(
        max_value=MAX_VALUE_PER_CONVERSION,
        required=False,
        allow_null=True,
        help_text=VALUE_HELP,
    )
    currency = StrictCharField(required=False, allow_null=True, help_text=CURRENCY_HELP)

    def validate_value_per_conversion(self, value: float | None) -> float | None:
        """Return the value. Raise ValidationError if it is not above 0."""
        if value is not None and value < MIN_VALUE_PER_CONVERSION:
            raise serializers.ValidationError("must be greater than 0")
        return value

    def validate_currency(self, code: str | None) -> str | None:
        """Return the code in upper case. Raise ValidationError if no currency has it."""
        if code is None:
            return None
        upper = code.upper() if code.isascii() else code
        if upper not in currencies.CODES:
            raise serializers.ValidationError("must be a code of ISO 4217 such as EUR")
        return upper

    def validate_outcomes(
        self, outcomes: list[dict[str, Any]] | None
    ) -> list[dict[str, Any]] | None:
        """Return at least two outcomes that exclude each other, or None."""
        if not outcomes:
            return None
        if len(outcomes) < 2:
            raise serializers.ValidationError(
                "must have at least two outcomes, or none"
            )
        if len({outcome["key"] for outcome in outcomes}) < len(outcomes):
            raise serializers.ValidationError("must not repeat a `key`")
        if not any(outcome["weight"] for outcome in outcomes):
            raise serializers.ValidationError(
                "at least one outcome must have a weight other than 0: otherwise no "
                "variant can be better than another"
            )
        values = {str(outcome["match"]["value"]) for outcome in outcomes}
        matched_by = {outcome["match"]["by"] for outcome in outcomes}
        if len(values) < len(outcomes) or len(matched_by) > 1:
            raise serializers.ValidationError(
                "outcomes must exclude each other: match all by `name` or all by "
                "`value`, each with a `match.value` of its own"
            )
        return outcomes

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise if the column that outcomes are matched by is not mapped."""
        saved = self.context.get("metric")
        outcomes = attrs.get("outcomes", saved.outcomes if saved else None)
        mapping = attrs.get("column_mapping", saved.column_mapping if saved else {})
        by = outcomes[0]["match"]["by"] if outcomes else None
        if by and by not in mapping:
            message = f"is required because outcomes are matched by {by}"
            raise serializers.ValidationError({"column_mapping": {by: message}})
        value = attrs.get(
            "value_per_conversion", saved.value_per_conversion if saved else None
        )
        if value is not None and (outcomes or mapping.get("reward_type") != "bool"):
            raise serializers.ValidationError({"value_per_conversion": NO_CONVERSIONS})
        return attrs


class MetricMappingSerializer(serializers.Serializer[Any]):
    """The role of each column."""

    anonymous_id = serializers.CharField()
    timestamp = serializers.CharField()
    value = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    reward_type = serializers.ChoiceField(choices=("bool", "numeric"))


class MetricSerializer(serializers.ModelSerializer[Metric]):
    """A metric in responses."""

    column_mapping = MetricMappingSerializer()
    outcomes = OutcomeSerializer(many=True, allow_null=True)

    class Meta:
        model = Metric
        fields: tuple[str, ...] = (
            "id",
            "name",
            "sql",
            "column_mapping",
            "outcomes",
            "direction",
            "look_back_days",
            "value_per_conversion",
            "currency",
            "created_at",
            "updated_at",
        )


class SavedMetricSerializer(MetricSerializer):
    """A metric that was just saved."""

    warnings = serializers.ListField(child=serializers.CharField())

    class Meta(MetricSerializer.Meta):
        fields: tuple[str, ...] = (*MetricSerializer.Meta.fields, "warnings")


class PreviewLimitSerializer(StrictSerializer):
    """The body of a preview: how many rows it returns."""

    limit = StrictIntegerField(min_value=1, max_value=MAX_ROWS, default=100)


class AssignmentSourceMappingSerializer(WholeValueSerializer):
    """The role of each column of an assignment source."""

    anonymous_id = StrictCharField(max_length=200)
    timestamp = StrictCharField(max_length=200)
    optimization_id = StrictCharField(max_length=200)
    variant = StrictCharField(max_length=200)
    context: Any = StrictCharField(max_length=200, required=False)
    policy_version = StrictCharField(max_length=200, required=False)


class AssignmentSourceBodySerializer(StrictSerializer):
    """The body of an assignment source."""

    name = StrictCharField(max_length=200)
    sql = SqlField()
    default = StrictBooleanField(required=False, source="is_default")
    column_mapping = AssignmentSourceMappingSerializer()


class SourcePreviewBodySerializer(PreviewLimitSerializer):
    """The body of a preview of an assignment source that is not saved."""

    sql = SqlField()
    column_mapping = AssignmentSourceMappingSerializer()


class AssignmentSourceSerializer(serializers.ModelSerializer[AssignmentSource]):
    """An assignment source in responses."""

    default = serializers.BooleanField(source="is_default")

    class Meta:
        model = AssignmentSource
        fields: tuple[str, ...] = (
            "id",
            "name",
            "sql",
            "default",
            "column_mapping",
            "created_at",
            "updated_at",
        )


class SavedAssignmentSourceSerializer(AssignmentSourceSerializer):
    """An assignment source that was just saved."""

    warnings = serializers.ListField(child=serializers.CharField())

    class Meta(AssignmentSourceSerializer.Meta):
        fields: tuple[str, ...] = (*AssignmentSourceSerializer.Meta.fields, "warnings")

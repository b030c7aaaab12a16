"""Shapes of metrics and assignment sources."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictFloatField,
    StrictIntegerField,
)
from levered_site.api.serializers import StrictSerializer
from metrics.models import AssignmentSource, Metric
from warehouse.serializers import (
    MAX_ROWS,
    ColumnMappingSerializer,
    SqlField,
    WholeValueSerializer,
)
from warehouse.sql.shapes import FAILURE_OUTCOME


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "number"}]})
class MatchValueField(serializers.Field[Any, Any, Any, Any]):
    """A text or a number."""

    def to_internal_value(self, data: Any) -> str | float:
        """Take either, as JSON has it."""
        shape = (
            StrictCharField(max_length=200)
            if isinstance(data, str)
            else StrictFloatField()
        )
        value: str | float = shape.run_validation(data)
        return value

    def to_representation(self, value: Any) -> Any:
        """Show it as it came."""
        return value


class OutcomeMatchSerializer(WholeValueSerializer):
    """Which rewards are of an outcome."""

    by = serializers.ChoiceField(choices=("name", "value"))
    value = MatchValueField(help_text="A text, or a number where `by` is value.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Names are texts."""
        if attrs["by"] == "name" and not isinstance(attrs["value"], str):
            raise serializers.ValidationError({"value": "a name is a text"})
        return attrs


class OutcomeSerializer(WholeValueSerializer):
    """A way in which a user's visit may end, and what it is worth."""

    key = StrictCharField(max_length=100)
    weight = StrictFloatField(min_value=-1e12, max_value=1e12)
    match = OutcomeMatchSerializer()

    def validate_key(self, key: str) -> str:
        """Keep the reserved words."""
        if key == FAILURE_OUTCOME or key.startswith("__"):
            raise serializers.ValidationError(f"{key} is reserved")
        return key


class MetricBodySerializer(StrictSerializer):
    """The body of a new metric, or of a change."""

    name = StrictCharField(max_length=200)
    sql = SqlField()
    column_mapping = ColumnMappingSerializer()
    outcomes = serializers.ListField(
        child=OutcomeSerializer(), required=False, allow_null=True, max_length=50
    )
    direction = serializers.ChoiceField(
        choices=Metric.Direction.choices, required=False
    )

    def validate_outcomes(
        self, outcomes: list[dict[str, Any]] | None
    ) -> list[dict[str, Any]] | None:
        """Two or more that exclude each other."""
        if not outcomes:
            return None
        if len(outcomes) < 2:
            raise serializers.ValidationError("give two or more outcomes, or none")
        if len({outcome["key"] for outcome in outcomes}) < len(outcomes):
            raise serializers.ValidationError("keys must differ")
        if not any(outcome["weight"] for outcome in outcomes):
            raise serializers.ValidationError(
                "give one outcome at least a weight that is not 0: with none of them "
                "worth anything no variant is better than another"
            )
        matched = {str(outcome["match"]["value"]) for outcome in outcomes}
        ways = {outcome["match"]["by"] for outcome in outcomes}
        if len(matched) < len(outcomes) or len(ways) > 1:
            raise serializers.ValidationError(
                "outcomes must exclude each other: all matched by name, or all by "
                "value, each with another value"
            )
        return outcomes

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Outcomes need the column they are matched by."""
        saved = self.context.get("metric")
        outcomes = attrs.get("outcomes", saved.outcomes if saved else None)
        mapping = attrs.get("column_mapping", saved.column_mapping if saved else {})
        by = outcomes[0]["match"]["by"] if outcomes else None
        if by and by not in mapping:
            message = f"required where outcomes are matched by {by}"
            raise serializers.ValidationError({"column_mapping": {by: message}})
        return attrs


class MetricMappingSerializer(serializers.Serializer[Any]):
    """Which column is what."""

    anonymous_id = serializers.CharField()
    timestamp = serializers.CharField()
    value = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    reward_type = serializers.ChoiceField(choices=("bool", "numeric"))


class MetricSerializer(serializers.ModelSerializer[Metric]):
    """A metric as it is shown."""

    column_mapping = MetricMappingSerializer()
    outcomes = OutcomeSerializer(many=True, allow_null=True)

    class Meta:
        model = Metric
        fields = (
            "id",
            "name",
            "sql",
            "column_mapping",
            "outcomes",
            "direction",
            "created_at",
            "updated_at",
        )


class PreviewLimitSerializer(StrictSerializer):
    """How much of a metric to preview."""

    limit = StrictIntegerField(min_value=1, max_value=MAX_ROWS, default=100)


class AssignmentSourceMappingSerializer(WholeValueSerializer):
    """Which column of an assignment source is what."""

    anonymous_id = StrictCharField(max_length=200)
    timestamp = StrictCharField(max_length=200)
    optimization_id = StrictCharField(max_length=200)
    variant = StrictCharField(max_length=200)
    context = StrictCharField(max_length=200, required=False)  # type: ignore[assignment]  # DRF takes declared fields off the class, where `context` is its own
    policy_version = StrictCharField(max_length=200, required=False)


class AssignmentSourceBodySerializer(StrictSerializer):
    """The body of an assignment source."""

    name = StrictCharField(max_length=200)
    sql = SqlField()
    default = StrictBooleanField(required=False, source="is_default")
    column_mapping = AssignmentSourceMappingSerializer()


class AssignmentSourceSerializer(serializers.ModelSerializer[AssignmentSource]):
    """An assignment source as it is shown."""

    default = serializers.BooleanField(source="is_default")

    class Meta:
        model = AssignmentSource
        fields = (
            "id",
            "name",
            "sql",
            "default",
            "column_mapping",
            "created_at",
            "updated_at",
        )

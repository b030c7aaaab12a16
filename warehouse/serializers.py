"""Shapes of /warehouse."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictCharField, StrictIntegerField
from levered_site.api.serializers import StrictSerializer
from warehouse import preview_warnings
from warehouse.backends.query_results import Preview, QueryResult, SourcePreview
from warehouse.models import Connection
from warehouse.sql.customer.check import MAX_QUERY_LENGTH
from warehouse.sql.shapes import CheckedMetric

MAX_ROWS = 1000
SQL_HELP = (
    "One SELECT. `@start_date` stands for a moment and is bound as a parameter; "
    "on the managed warehouse it reads managed_dw.exposures and managed_dw.rewards."
)
CREDENTIALS_HELP = (
    "postgres: host, port (5432), database, username, password, sslmode (require, "
    "verify-ca or verify-full). Encrypted at rest, never shown again."
)


class SqlField(StrictCharField):
    """A customer's query."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", MAX_QUERY_LENGTH)
        options.setdefault("help_text", SQL_HELP)
        super().__init__(**options)


class WholeValueSerializer(StrictSerializer):
    """A part of a body that is replaced as a whole, by PATCH too."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate apart from a body that may leave its own fields out."""
        if self.root is self or data is serializers.empty or data is None:
            return super().run_validation(data)
        apart = type(self)(data=data, context=self.context)
        apart.is_valid(raise_exception=True)
        return apart.validated_data


class ColumnMappingSerializer(WholeValueSerializer):
    """Which column of a metric's query is what."""

    anonymous_id = StrictCharField(max_length=200)
    timestamp = StrictCharField(max_length=200)
    value = StrictCharField(max_length=200, required=False)
    name = StrictCharField(max_length=200, required=False)
    reward_type = serializers.ChoiceField(choices=("bool", "numeric"))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask a numeric metric for its value."""
        if attrs["reward_type"] == "numeric" and "value" not in attrs:
            message = "required where reward_type is numeric"
            raise serializers.ValidationError({"value": message})
        return attrs


class NewConnectionSerializer(StrictSerializer):
    """The body of a connection."""

    provider = serializers.ChoiceField(choices=Connection.Provider.choices)
    project_id = StrictCharField(max_length=200, required=False, allow_blank=True)
    dataset_id = StrictCharField(max_length=200, required=False, allow_blank=True)
    credentials = serializers.DictField(
        required=False, write_only=True, help_text=CREDENTIALS_HELP
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the managed warehouse has no use for."""
        extra = [name for name in attrs if name != "provider" and attrs[name]]
        if attrs["provider"] == Connection.Provider.MANAGED and extra:
            message = "the managed warehouse takes none"
            raise serializers.ValidationError(dict.fromkeys(extra, message))
        return attrs


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """A connection, without its credentials."""

    class Meta:
        model = Connection
        fields = ("id", "provider", "project_id", "dataset_id")


class PresentConnectionSerializer(serializers.Serializer[Any]):
    """The organization's connection, or null on the managed warehouse."""

    connection = ConnectionSerializer(allow_null=True)


class ConnectionTestSerializer(serializers.Serializer[Any]):
    """How a test went."""

    success = serializers.BooleanField()
    latency_ms = serializers.IntegerField(required=False)
    message = serializers.CharField(required=False)


class TableSerializer(serializers.Serializer[Any]):
    """A table that a query may read."""

    schema = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    rows = serializers.IntegerField(required=False)


class TablesSerializer(serializers.Serializer[Any]):
    """All of them."""

    tables = TableSerializer(many=True)


class ColumnSerializer(serializers.Serializer[Any]):
    """A column of a table."""

    name = serializers.CharField()
    type = serializers.CharField()
    nullable = serializers.BooleanField()


class ColumnsSerializer(serializers.Serializer[Any]):
    """All of them."""

    columns = ColumnSerializer(many=True)


class QueryBodySerializer(StrictSerializer):
    """A query for people."""

    sql = SqlField()
    limit = StrictIntegerField(min_value=1, max_value=MAX_ROWS, default=100)


class PreviewBodySerializer(QueryBodySerializer):
    """A metric before it is saved."""

    column_mapping = ColumnMappingSerializer()


class QueryResultSerializer(serializers.Serializer[Any]):
    """Rows of a query."""

    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())
    row_count = serializers.IntegerField()
    truncated = serializers.BooleanField()
    elapsed_ms = serializers.IntegerField()
    bytes_scanned = serializers.IntegerField(required=False)


class PreviewSerializer(QueryResultSerializer):
    """Rows of a metric, and what looks wrong with it."""

    match_rate = serializers.FloatField(
        allow_null=True, help_text="Share of the metric's ids that have an exposure."
    )
    warnings = serializers.ListField(child=serializers.CharField())


class SourcePreviewSerializer(QueryResultSerializer):
    """Rows of an assignment source, and what looks wrong with it."""

    warnings = serializers.ListField(child=serializers.CharField())


def serialize_source_preview(preview: SourcePreview) -> dict[str, Any]:
    """Show rows of an assignment source with its warnings."""
    said = preview_warnings.list_source_warnings(preview.facts)
    return serialize_query_result(preview.answer) | {"warnings": said}


def serialize_query_result(answer: QueryResult) -> dict[str, Any]:
    """Show rows of a query as the contract says."""
    body = asdict(answer) | {"row_count": len(answer.rows)}
    return drop_none_values(body)


def serialize_preview(metric: CheckedMetric, preview: Preview) -> dict[str, Any]:
    """Show rows of a metric with its warnings."""
    return serialize_query_result(preview.answer) | {
        "match_rate": preview_warnings.compute_match_rate(preview.facts),
        "warnings": preview_warnings.list_metric_warnings(metric, preview.facts),
    }


def drop_none_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not known."""
    return {name: value for name, value in fields.items() if value is not None}

"""Serializers of warehouse connections and queries, and fields for SQL."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import (
    BoundedDictField,
    StrictCharField,
    StrictIntegerField,
)
from levered_site.api.serializers import StrictSerializer
from warehouse.models import Connection
from warehouse.sql.customer.text.text_limits import MAX_QUERY_LENGTH

MAX_ROWS = 1000
MOST_CREDENTIALS = 50  # a service account's file has eleven
SQL_HELP = (
    "One SELECT. `@start_date` is a time, bound as a parameter. On the managed warehouse "
    "the query reads managed_dw.exposures and managed_dw.rewards."
)
CREDENTIALS_HELP = (
    "postgres: host, port (5432), database, username, password, sslmode (require, "
    "verify-ca or verify-full). Encrypted at rest, and never returned."
)


class SqlField(StrictCharField):
    """A customer's query."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", MAX_QUERY_LENGTH)
        options.setdefault("help_text", SQL_HELP)
        super().__init__(**options)


class WholeValueSerializer(StrictSerializer):
    """A part of a body that is replaced as a whole, even by a PATCH."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Validate apart from the body, which may be partial."""
        if self.root is self or data is serializers.empty or data is None:
            return super().run_validation(data)
        serializer = type(self)(data=data, context=self.context)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class ColumnMappingSerializer(WholeValueSerializer):
    """The role of each column of a metric's query."""

    anonymous_id = StrictCharField(max_length=200)
    timestamp = StrictCharField(max_length=200)
    value = StrictCharField(max_length=200, required=False)
    name = StrictCharField(max_length=200, required=False)
    reward_type = serializers.ChoiceField(choices=("bool", "numeric"))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise if a numeric metric maps no `value`."""
        if attrs["reward_type"] == "numeric" and "value" not in attrs:
            message = "is required because reward_type is numeric"
            raise serializers.ValidationError({"value": message})
        return attrs


class NewConnectionSerializer(StrictSerializer):
    """The body of a connection."""

    provider = serializers.ChoiceField(choices=Connection.Provider.choices)
    project_id = StrictCharField(max_length=200, required=False, allow_blank=True)
    dataset_id = StrictCharField(max_length=200, required=False, allow_blank=True)
    credentials = BoundedDictField(
        max_length=MOST_CREDENTIALS,
        required=False,
        write_only=True,
        help_text=CREDENTIALS_HELP,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raise if the managed warehouse gets settings, of which it has none."""
        extra = [name for name in attrs if name != "provider" and attrs[name]]
        if attrs["provider"] == Connection.Provider.MANAGED and extra:
            message = "must be left out: the managed warehouse has no such setting"
            raise serializers.ValidationError(dict.fromkeys(extra, message))
        return attrs


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """A connection, without its credentials."""

    class Meta:
        model = Connection
        fields: tuple[str, ...] = ("id", "provider", "project_id", "dataset_id")


class SavedConnectionSerializer(ConnectionSerializer):
    """A connection that was just tested and stored."""

    warnings = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="What the role may do and should not; absent where it is nothing.",
    )

    class Meta(ConnectionSerializer.Meta):
        fields: tuple[str, ...] = (*ConnectionSerializer.Meta.fields, "warnings")

    def to_representation(self, instance: Connection) -> dict[str, Any]:
        """Return the fields, without an empty list of warnings."""
        fields = super().to_representation(instance)
        return {
            name: fields[name] for name in fields if name != "warnings" or fields[name]
        }


class UsedConnectionSerializer(ConnectionSerializer):
    """A connection, or the managed warehouse, on which every organization starts."""

    id = serializers.UUIDField(
        allow_null=True, help_text="Null where no connection was made."
    )


class PresentConnectionSerializer(serializers.Serializer[Any]):
    """The organization's connection; its provider is `managed` where none was made."""

    connection = UsedConnectionSerializer()


class QueryBodySerializer(StrictSerializer):
    """The body of a query."""

    sql = SqlField()
    limit = StrictIntegerField(min_value=1, max_value=MAX_ROWS, default=100)


class PreviewBodySerializer(QueryBodySerializer):
    """The body of a preview of an unsaved metric."""

    column_mapping = ColumnMappingSerializer()

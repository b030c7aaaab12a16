"""Shapes of requests that refuse what they do not know."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

UNKNOWN_FIELD = "unknown field"
READ_ONLY_FIELD = "cannot be set"


class StrictSerializer(serializers.Serializer[Any]):
    """Names unknown fields as problems, beside those of the known ones."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate; every unknown field is a problem of its own."""
        if isinstance(data, QueryDict):
            data = {}  # no body: DRF hands out an empty form
        unknown = self._find_unknown_fields(data) if isinstance(data, Mapping) else {}
        try:
            accepted = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not unknown or not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **unknown}) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return accepted

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Let a choice that is none say which there are."""
        fields = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                choices = ", ".join(str(choice) for choice in field.choices)
                field.error_messages["invalid_choice"] = f"must be one of {choices}"
        return fields

    def _find_unknown_fields(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        found = {}
        for name in data:
            field = self.fields.get(name)
            if field is None:
                found[str(name)[:200]] = [UNKNOWN_FIELD]
            elif field.read_only:
                found[name] = [READ_ONLY_FIELD]
        return found

"""The base class of request serializers: unknown fields are errors."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from levered_site import near_names
from levered_site.api.fields import MOST_INVALID_ITEMS

UNKNOWN_FIELD = "unknown field"
READ_ONLY_FIELD = "cannot be set"


def describe_unknown_field(name: object, known: Iterable[str]) -> str:
    """Return the message of an unknown field, with the known one that was meant."""
    meant = near_names.find_meant_field(str(name), known)
    return f"{UNKNOWN_FIELD}; did you mean `{meant}`?" if meant else UNKNOWN_FIELD


class StrictSerializer(serializers.Serializer[Any]):
    """Report unknown fields as errors, together with those of the known fields."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate the known fields; add one error per unknown field."""
        if isinstance(data, QueryDict):
            data = {}  # without a body DRF passes an empty form
        unknown = self._find_unknown_fields(data) if isinstance(data, Mapping) else {}
        try:
            validated = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not unknown or not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **unknown}) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return validated

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Let the error of an invalid choice list the valid ones."""
        fields = super().get_fields()
        for field in fields.values():
            if isinstance(field, serializers.ChoiceField):
                choices = ", ".join(str(choice) for choice in field.choices)
                field.error_messages["invalid_choice"] = f"must be one of {choices}"
        return fields

    def _find_unknown_fields(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        errors: dict[str, list[str]] = {}
        for name in data:
            if len(errors) == MOST_INVALID_ITEMS:
                break
            field = self.fields.get(name)
            if field is None:
                errors[str(name)[:200]] = [describe_unknown_field(name, self.fields)]
            elif field.read_only:
                errors[name] = [READ_ONLY_FIELD]
        return errors

"""The id of an object that has a name, such as a metric."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers

from levered_site.api.fields import StrictUUIDField
from metrics.models import AssignmentSource, Metric

MAX_NAME_LENGTH = 200


class ReferenceField(StrictUUIDField):
    """A UUID; the error for a name, in any case, says whose id was meant."""

    model: ClassVar[type[Metric | AssignmentSource]]

    def to_internal_value(self, data: Any) -> UUID:
        """Accept only the hyphenated form of 36 characters."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            message = self._describe_name(data)
            if message is None:
                raise
            raise serializers.ValidationError(message, code="invalid") from error

    def _describe_name(self, data: Any) -> str | None:
        """Return what to send in place of a name; None if no object has the name."""
        if not isinstance(data, str) or not 1 <= len(data) <= MAX_NAME_LENGTH:
            return None
        if "\0" in data:
            return None
        named = self.model.objects.filter(
            organization_id=self.context["view"].organization_id,
            name__iexact=data.strip(),
        ).order_by("-created_at")
        found = named.first()
        if found is None:
            return None
        return f'must be an id, not a name; that of "{found.name}" is {found.pk}'


class MetricField(ReferenceField):
    """The id of a metric."""

    model = Metric


class AssignmentSourceField(ReferenceField):
    """The id of an assignment source."""

    model = AssignmentSource

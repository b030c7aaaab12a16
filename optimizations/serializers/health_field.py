"""The health of figures as a field of responses."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimizations.results.health.health import Health

_schema: Any = Health  # the stubs do not know our extension for dataclasses


@extend_schema_field(_schema)
class HealthField(serializers.Field[Health, Any, Any, Any]):
    """The health of the figures, as all results have it."""

"""Shape of the answer to an erasure."""

from typing import Any

from rest_framework import serializers


class ErasedRowsSerializer(serializers.Serializer[Any]):
    """How many rows of the person were erased."""

    exposures = serializers.IntegerField()
    rewards = serializers.IntegerField()
    decisions = serializers.IntegerField()
    assignments = serializers.IntegerField()

"""Shapes of variants in answers."""

from typing import Any

from rest_framework import serializers


class VariantSerializer(serializers.Serializer[Any]):
    """One variant."""

    number = serializers.IntegerField()
    variant_key = serializers.CharField()
    variant = serializers.DictField(child=serializers.JSONField())
    enabled = serializers.BooleanField()
    excluded = serializers.BooleanField(help_text="By excluded_combinations.")
    screenshot = serializers.CharField(
        allow_null=True, help_text="Where its picture is; null without one."
    )


class VariantsSerializer(serializers.Serializer[Any]):
    """Every variant of an optimization."""

    variants = VariantSerializer(many=True)

"""Shape of the policy as a client may hold it."""

from typing import Any

from rest_framework import serializers


class PolicyVariantSerializer(serializers.Serializer[Any]):
    """A variant of the table."""

    number = serializers.IntegerField()
    variant_key = serializers.CharField()
    variant = serializers.DictField()
    enabled = serializers.BooleanField()


class PolicyContextFactorSerializer(serializers.Serializer[Any]):
    """A context factor, levels as they are compared."""

    name = serializers.CharField()
    levels = serializers.ListField(child=serializers.CharField())


class PolicyRowSerializer(serializers.Serializer[Any]):
    """Probabilities in one context, variants in number order."""

    context = serializers.DictField(  # type: ignore[assignment]  # DRF collects fields; the name is the contract's
        child=serializers.JSONField(allow_null=True),
        help_text='Factor to level; {"other": true} for any other value, null for none.',
    )
    probabilities = serializers.ListField(child=serializers.FloatField())


class HoldoutSerializer(serializers.Serializer[Any]):
    """Who is held out."""

    percentage = serializers.FloatField()
    threshold = serializers.CharField()
    variant_number = serializers.IntegerField()
    rule = serializers.CharField()


class PolicySerializer(serializers.Serializer[Any]):
    """The allocation table that serves."""

    model_id = serializers.UUIDField()
    optimization_id = serializers.UUIDField()
    status = serializers.CharField()
    version = serializers.IntegerField()
    variants = PolicyVariantSerializer(many=True)
    context_factors = PolicyContextFactorSerializer(many=True)
    contexts = PolicyRowSerializer(many=True)
    holdout = HoldoutSerializer()
    draw = serializers.CharField()

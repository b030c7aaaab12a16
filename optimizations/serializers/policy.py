"""Shape of the policy as a client may hold it."""

from typing import Any

from rest_framework import serializers


class PolicyVariantShape(serializers.Serializer[Any]):
    """A variant of the table."""

    number = serializers.IntegerField()
    variant_key = serializers.CharField()
    variant = serializers.DictField()
    enabled = serializers.BooleanField()


class PolicyContextFactorShape(serializers.Serializer[Any]):
    """A context factor, levels as they are compared."""

    name = serializers.CharField()
    levels = serializers.ListField(child=serializers.CharField())


class PolicyRowShape(serializers.Serializer[Any]):
    """Probabilities in one context, variants in number order."""

    context = serializers.DictField(  # type: ignore[assignment]  # DRF collects fields; the name is the contract's
        child=serializers.JSONField(allow_null=True),
        help_text='Factor to level; {"other": true} for any other value, null for none.',
    )
    probabilities = serializers.ListField(child=serializers.FloatField())


class HoldoutShape(serializers.Serializer[Any]):
    """Who is held out."""

    percentage = serializers.FloatField()
    threshold = serializers.CharField()
    variant_number = serializers.IntegerField()
    rule = serializers.CharField()


class PolicyShape(serializers.Serializer[Any]):
    """The allocation table that serves."""

    model_id = serializers.UUIDField()
    optimization_id = serializers.UUIDField()
    status = serializers.CharField()
    version = serializers.IntegerField()
    variants = PolicyVariantShape(many=True)
    context_factors = PolicyContextFactorShape(many=True)
    contexts = PolicyRowShape(many=True)
    holdout = HoldoutShape()
    draw = serializers.CharField()

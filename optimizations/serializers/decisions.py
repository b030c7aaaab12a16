"""Shapes of a decision explained."""

from typing import Any

from rest_framework import serializers


class VariantProbabilitySerializer(serializers.Serializer[Any]):
    """What one variant's chance was."""

    number = serializers.IntegerField()
    variant_key = serializers.CharField()
    probability = serializers.FloatField()


def _build_context_field() -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField())


class DecisionReceiptSerializer(serializers.Serializer[Any]):
    """One decision and how it came about."""

    # `context` is a name of DRF's own, hence not an attribute but a declared field.
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the context: configured factors as text."""
        return {**super().get_fields(), "context": _build_context_field()}

    variant_number = serializers.IntegerField()
    variant_key = serializers.CharField()
    arm = serializers.ChoiceField(choices=["optimized", "holdout"])
    policy_version = serializers.IntegerField()
    propensity = serializers.FloatField()
    u = serializers.FloatField(help_text="The draw, 0 to 1.")
    probabilities = VariantProbabilitySerializer(many=True)
    timestamp = serializers.DateTimeField()


class DecisionExplanationSerializer(serializers.Serializer[Any]):
    """Why a user got a variant: the decision in force, and every receipt, oldest first."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the context: configured factors as text."""
        return {**super().get_fields(), "context": _build_context_field()}

    optimization_id = serializers.UUIDField()
    anonymous_id = serializers.CharField()
    variant = serializers.DictField(child=serializers.JSONField())
    variant_number = serializers.IntegerField()
    variant_key = serializers.CharField()
    in_holdout = serializers.BooleanField()
    arm = serializers.ChoiceField(choices=["optimized", "holdout"])
    policy_version = serializers.IntegerField()
    propensity = serializers.FloatField()
    u = serializers.FloatField()
    holdout_hash = serializers.CharField(help_text="8 hex characters of the md5.")
    probabilities = VariantProbabilitySerializer(many=True)
    timestamp = serializers.DateTimeField()
    receipts = DecisionReceiptSerializer(many=True)

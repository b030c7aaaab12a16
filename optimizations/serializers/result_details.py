"""Shapes of answers whose rows differ: observations, and the parts of a report."""

from typing import Any

from rest_framework import serializers

from optimizations.serializers.health_field import HealthField


class ObservationSerializer(serializers.Serializer[Any]):
    """A cell of the cube; with `raw`, a touch and the rewards of its user."""

    regime = serializers.IntegerField(required=False)
    day = serializers.DateField(required=False)
    policy_version = serializers.IntegerField(required=False, allow_null=True)
    holdout = serializers.BooleanField(required=False)
    variant = serializers.JSONField(required=False)
    context: Any = serializers.JSONField(required=False)
    outcome = serializers.CharField(required=False, allow_null=True)
    mature = serializers.BooleanField(required=False)
    hour = serializers.DateTimeField(required=False, allow_null=True)
    users = serializers.IntegerField(required=False)
    exposures = serializers.IntegerField(required=False)
    converted = serializers.IntegerField(required=False)
    value_sum = serializers.FloatField(required=False)
    value_sum_squares = serializers.FloatField(required=False)
    payers = serializers.IntegerField(required=False)
    log_sum = serializers.FloatField(required=False)
    log_sum_squares = serializers.FloatField(required=False)
    negatives = serializers.IntegerField(required=False)
    negative_log_sum = serializers.FloatField(required=False)
    negative_log_sum_squares = serializers.FloatField(required=False)
    anonymous_id = serializers.CharField(required=False)
    at = serializers.DateTimeField(required=False)
    source: Any = serializers.ChoiceField(choices=["serve", "ingest"], required=False)
    in_holdout = serializers.BooleanField(required=False, allow_null=True)
    rewards = serializers.ListField(child=serializers.DictField(), required=False)


class ObservationsPageSerializer(serializers.Serializer[Any]):
    """A page of observations."""

    as_of = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When the warehouse last counted the reward. Not with `raw`.",
    )
    notes = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="How the counts came about, where that matters. Not with `raw`.",
    )
    observations = ObservationSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReportDataSerializer(serializers.Serializer[Any]):
    """Everything in one document. A part that fails is `{"error": …}`."""

    health = HealthField()
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When the warehouse last counted the reward."
    )
    optimization = serializers.DictField()
    results = serializers.DictField(
        help_text="As of `/results`, but `stats`, `primary_metric_vs_holdout` and "
        "`variants` are null where one of the numbers that reports format is: `results."
        "unavailable` says why."
    )
    holdout_daily = serializers.DictField()
    outcome_mix = serializers.DictField()
    guardrails = serializers.DictField()
    policy_lift_history = serializers.DictField()

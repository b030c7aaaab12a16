"""Shapes of results; every null has its reason under `unavailable`."""

from typing import Any

from rest_framework import serializers

from optimizations.serializers.fields import IntervalField, build_nullable_float


class ModelStatsSerializer(serializers.Serializer[Any]):
    """What the model says."""

    estimated_improvement_percent = build_nullable_float(
        "The current allocation against baseline."
    )
    estimated_improvement_interval = IntervalField()
    best_vs_baseline_percent = build_nullable_float(
        "The best variant against baseline."
    )
    best_vs_baseline_interval = IntervalField()
    estimated_progress = build_nullable_float("0 to 1.")


class RegimeSerializer(serializers.Serializer[Any]):
    """One configuration and the two arms under it, mature users."""

    number = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    reason = serializers.CharField()
    holdout_percentage = serializers.FloatField()
    optimization_exposures = serializers.IntegerField()
    holdout_exposures = serializers.IntegerField()
    optimization_rate = build_nullable_float()
    holdout_rate = build_nullable_float()


class MeasuredLiftSerializer(serializers.Serializer[Any]):
    """Optimized against holdout: the randomized figure, per user."""

    metric_id = serializers.UUIDField(allow_null=True, help_text="Null: none is set.")
    metric_name = serializers.CharField(allow_null=True)
    direction = serializers.CharField(allow_null=True)
    holdout_rate = build_nullable_float()
    optimization_rate = build_nullable_float()
    holdout_exposures = serializers.IntegerField(help_text="Users.")
    optimization_exposures = serializers.IntegerField(help_text="Users.")
    difference = build_nullable_float("Per user, in units of the value.")
    difference_ci = IntervalField()
    difference_ci_anytime = IntervalField()
    lift_percent = build_nullable_float()
    lift_ci = IntervalField()
    p_value = build_nullable_float()
    lift_ci_delta = IntervalField()
    lift_ci_anytime = IntervalField()
    p_value_anytime = build_nullable_float()
    regimes = RegimeSerializer(many=True)


class VariantResultSerializer(serializers.Serializer[Any]):
    """What was counted and learned of a variant."""

    number = serializers.IntegerField()
    variant_key = serializers.CharField()
    variant = serializers.DictField()
    enabled = serializers.BooleanField()
    exposures = serializers.IntegerField()
    conversions = serializers.IntegerField()
    rate = serializers.FloatField(help_text="Conversions per exposure.")
    users = serializers.IntegerField()
    user_rate = serializers.FloatField(help_text="Conversions per user.")
    weight = build_nullable_float("Share of all traffic by the current policy.")
    prob_best = build_nullable_float()
    expected_reward_mean = build_nullable_float()
    expected_reward_lo = build_nullable_float()
    expected_reward_hi = build_nullable_float()


class DailyCountsSerializer(serializers.Serializer[Any]):
    """Counts of one day of first touch, by variant_key."""

    date = serializers.DateField()
    variants = serializers.DictField(child=serializers.DictField())


class FactorImportanceSerializer(serializers.Serializer[Any]):
    """Share of the spread of variant values that a factor explains."""

    factor = serializers.CharField()
    mean = serializers.FloatField()
    q1 = serializers.FloatField()
    q3 = serializers.FloatField()
    kind = serializers.CharField()


class FactorUtilitySerializer(serializers.Serializer[Any]):
    """What a level adds to the reward, against the factor's other levels."""

    factor = serializers.CharField()
    level = serializers.CharField()
    effect = serializers.FloatField()
    lo = serializers.FloatField()
    hi = serializers.FloatField()


class QuartilesSerializer(serializers.Serializer[Any]):
    """A share and its quartiles."""

    mean = serializers.FloatField()
    q1 = serializers.FloatField()
    q3 = serializers.FloatField()


class ContextImportanceSerializer(serializers.Serializer[Any]):
    """Share of the spread that differs by a context factor."""

    factor = serializers.CharField()
    mean = build_nullable_float()
    lo = build_nullable_float()
    hi = build_nullable_float()


class ContextResultSerializer(serializers.Serializer[Any]):
    """One level of a context factor."""

    factor = serializers.CharField()
    level = serializers.CharField()
    share = build_nullable_float("Of the users it was learned from.")
    lift_percent = build_nullable_float(
        "Measured among its users, against those held out."
    )
    lift_ci = IntervalField()
    lift_ci_anytime = IntervalField()
    estimated_improvement_percent = build_nullable_float(
        "The current allocation there against the baseline, by the model."
    )
    estimated_improvement_interval = IntervalField()
    best_variant = serializers.IntegerField(allow_null=True)
    prob_best = build_nullable_float()


class InteractionSerializer(serializers.Serializer[Any]):
    """What two levels do together beyond what each does alone, by the model."""

    factors = serializers.ListField(child=serializers.CharField())
    levels = serializers.ListField(child=serializers.CharField())
    deviation = build_nullable_float(
        "Reward with both, less the additive prediction; in the reward's unit."
    )
    lo = build_nullable_float()
    hi = build_nullable_float()
    users = serializers.IntegerField(
        help_text="Shown both; an immature one counts by the rewards due by their age."
    )
    kind = serializers.ChoiceField(
        choices=["synergy", "saturation", "conflict"],
        allow_null=True,
        help_text="conflict: worse together than alone; synergy: better, neither does "
        "harm; saturation: less bad than their harms together, no advice to combine. "
        "Null where the interval includes 0.",
    )


class ModelNotesSerializer(serializers.Serializer[Any]):
    """How rewards were learned."""

    reward_model = serializers.ChoiceField(
        choices=["chance", "hurdle", "mean", "outcomes"],
        allow_null=True,
        help_text="chance: of a conversion; hurdle: chance to pay times amount; mean: "
        "the amount itself, normal; outcomes: chance of each.",
    )
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What learning noticed, and why figures of the model are withheld.",
    )


class ResultsSerializer(serializers.Serializer[Any]):
    """Results of an optimization."""

    optimization_id = serializers.UUIDField()
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When the warehouse was last asked."
    )
    stats = ModelStatsSerializer()
    primary_metric_vs_holdout = MeasuredLiftSerializer(allow_null=True)
    checks = serializers.DictField(child=serializers.JSONField(allow_null=True))
    variants = VariantResultSerializer(many=True)
    factor_importance = FactorImportanceSerializer(many=True, allow_null=True)
    factor_utilities = FactorUtilitySerializer(many=True, allow_null=True)
    interaction_importance = QuartilesSerializer(allow_null=True)
    interactions = InteractionSerializer(many=True, allow_null=True)
    context_importance = ContextImportanceSerializer(many=True, allow_null=True)
    contexts = ContextResultSerializer(many=True, allow_null=True)
    time_series = DailyCountsSerializer(many=True)
    model = ModelNotesSerializer()
    unavailable = serializers.DictField(child=serializers.CharField())

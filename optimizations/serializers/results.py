"""Shapes of results; every null has its reason under `unavailable`."""

from typing import Any

from rest_framework import serializers

from optimizations.serializers.figures import IntervalField, figure


class StatsShape(serializers.Serializer[Any]):
    """What the model says."""

    estimated_improvement_percent = figure("The current allocation against baseline.")
    estimated_improvement_interval = IntervalField()
    best_vs_baseline_percent = figure("The best variant against baseline.")
    best_vs_baseline_interval = IntervalField()
    estimated_progress = figure("0 to 1.")


class RegimeShape(serializers.Serializer[Any]):
    """One configuration and the two arms under it, mature users."""

    number = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    reason = serializers.CharField()
    holdout_percentage = serializers.FloatField()
    optimization_exposures = serializers.IntegerField()
    holdout_exposures = serializers.IntegerField()
    optimization_rate = figure()
    holdout_rate = figure()


class ComparisonShape(serializers.Serializer[Any]):
    """Optimized against holdout: the randomized figure, per user."""

    metric_id = serializers.UUIDField(allow_null=True, help_text="Null: none is set.")
    metric_name = serializers.CharField(allow_null=True)
    direction = serializers.CharField(allow_null=True)
    holdout_rate = figure()
    optimization_rate = figure()
    holdout_exposures = serializers.IntegerField(help_text="Users.")
    optimization_exposures = serializers.IntegerField(help_text="Users.")
    difference = figure("Per user, in units of the value.")
    difference_ci = IntervalField()
    difference_ci_anytime = IntervalField()
    lift_percent = figure()
    lift_ci = IntervalField()
    p_value = figure()
    lift_ci_delta = IntervalField()
    lift_ci_anytime = IntervalField()
    p_value_anytime = figure()
    regimes = RegimeShape(many=True)


class VariantResultShape(serializers.Serializer[Any]):
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
    weight = figure("Share of all traffic by the current policy.")
    prob_best = figure()
    expected_reward_mean = figure()
    expected_reward_lo = figure()
    expected_reward_hi = figure()


class DayShape(serializers.Serializer[Any]):
    """Counts of one day of first touch, by variant_key."""

    date = serializers.DateField()
    variants = serializers.DictField(child=serializers.DictField())


class FactorImportanceShape(serializers.Serializer[Any]):
    """Share of the spread of variant values that a factor explains."""

    factor = serializers.CharField()
    mean = serializers.FloatField()
    q1 = serializers.FloatField()
    q3 = serializers.FloatField()
    kind = serializers.CharField()


class FactorUtilityShape(serializers.Serializer[Any]):
    """What a level adds to the reward, against the factor's other levels."""

    factor = serializers.CharField()
    level = serializers.CharField()
    effect = serializers.FloatField()
    lo = serializers.FloatField()
    hi = serializers.FloatField()


class QuartilesShape(serializers.Serializer[Any]):
    """A share and its quartiles."""

    mean = serializers.FloatField()
    q1 = serializers.FloatField()
    q3 = serializers.FloatField()


class ContextImportanceShape(serializers.Serializer[Any]):
    """Share of the spread that differs by a context factor."""

    factor = serializers.CharField()
    mean = figure()
    lo = figure()
    hi = figure()


class ContextResultShape(serializers.Serializer[Any]):
    """One level of a context factor."""

    factor = serializers.CharField()
    level = serializers.CharField()
    share = figure("Of the users it was learned from.")
    lift_percent = figure("Measured among its users, against those held out.")
    lift_ci = IntervalField()
    lift_ci_anytime = IntervalField()
    estimated_improvement_percent = figure(
        "The current allocation there against the baseline, by the model."
    )
    estimated_improvement_interval = IntervalField()
    best_variant = serializers.IntegerField(allow_null=True)
    prob_best = figure()


class InteractionShape(serializers.Serializer[Any]):
    """What two levels do together beyond what each does alone, by the model."""

    factors = serializers.ListField(child=serializers.CharField())
    levels = serializers.ListField(child=serializers.CharField())
    deviation = figure(
        "Reward with both, less the additive prediction; in the reward's unit."
    )
    lo = figure()
    hi = figure()
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


class ModelNotesShape(serializers.Serializer[Any]):
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


class ResultsShape(serializers.Serializer[Any]):
    """Results of an optimization."""

    optimization_id = serializers.UUIDField()
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When the warehouse was last asked."
    )
    stats = StatsShape()
    primary_metric_vs_holdout = ComparisonShape(allow_null=True)
    checks = serializers.DictField(child=serializers.JSONField(allow_null=True))
    variants = VariantResultShape(many=True)
    factor_importance = FactorImportanceShape(many=True, allow_null=True)
    factor_utilities = FactorUtilityShape(many=True, allow_null=True)
    interaction_importance = QuartilesShape(allow_null=True)
    interactions = InteractionShape(many=True, allow_null=True)
    context_importance = ContextImportanceShape(many=True, allow_null=True)
    contexts = ContextResultShape(many=True, allow_null=True)
    time_series = DayShape(many=True)
    model = ModelNotesShape()
    unavailable = serializers.DictField(child=serializers.CharField())

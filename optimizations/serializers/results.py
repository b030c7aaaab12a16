"""Shapes of results; every null has its reason under `unavailable`."""

from typing import Any

from rest_framework import serializers


class IntervalField(serializers.ListField):
    """[lo, hi] of a 95% interval."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            child=serializers.FloatField(),
            min_length=2,
            max_length=2,
            allow_null=True,
            **options,
        )


def figure(help_text: str = "") -> serializers.FloatField:
    """Describe a number that may be withheld."""
    return serializers.FloatField(allow_null=True, help_text=help_text)


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

    metric_id = serializers.UUIDField()
    metric_name = serializers.CharField()
    direction = serializers.CharField()
    holdout_rate = figure()
    optimization_rate = figure()
    holdout_exposures = serializers.IntegerField(help_text="Users.")
    optimization_exposures = serializers.IntegerField(help_text="Users.")
    difference = figure("Per user, in units of the value.")
    difference_ci = IntervalField()
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
    mean = serializers.FloatField()
    lo = serializers.FloatField()
    hi = serializers.FloatField()


class ContextResultShape(serializers.Serializer[Any]):
    """One level of a context factor."""

    factor = serializers.CharField()
    level = serializers.CharField()
    share = serializers.FloatField()
    lift_percent = figure()
    lift_ci = IntervalField()
    best_variant = serializers.IntegerField()
    prob_best = serializers.FloatField()


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
    interactions = serializers.JSONField(
        allow_null=True, help_text="Null in this version."
    )
    context_importance = ContextImportanceShape(many=True, allow_null=True)
    contexts = ContextResultShape(many=True, allow_null=True)
    time_series = DayShape(many=True)
    unavailable = serializers.DictField(child=serializers.CharField())


class ArmUsersShape(serializers.Serializer[Any]):
    """Users of both arms."""

    optimized = serializers.IntegerField()
    holdout = serializers.IntegerField()


class WinnerShape(serializers.Serializer[Any]):
    """The variant that gets the largest share of the optimized arm."""

    number = serializers.IntegerField()
    share = serializers.FloatField()


class ProgressShape(serializers.Serializer[Any]):
    """How far an optimization is."""

    days_running = serializers.IntegerField()
    users = ArmUsersShape()
    conversions = serializers.IntegerField()
    estimated_progress = figure("0 to 1.")
    winner = WinnerShape(allow_null=True)
    stable_since = serializers.DateField(allow_null=True)
    days_to_decision = serializers.IntegerField(allow_null=True)
    unavailable = serializers.DictField(child=serializers.CharField())


class GuardrailShape(serializers.Serializer[Any]):
    """A metric that must not suffer."""

    metric_id = serializers.UUIDField()
    name = serializers.CharField()
    direction = serializers.CharField()
    holdout_rate = figure()
    optimization_rate = figure()
    lift_percent = figure()
    lift_ci = IntervalField()
    p_value = figure()
    status = serializers.ChoiceField(choices=["ok", "violated", "pending"])
    unavailable = serializers.DictField(child=serializers.CharField())


class GuardrailsShape(serializers.Serializer[Any]):
    """All guardrails."""

    guardrails = GuardrailShape(many=True)


class HistoryDayShape(serializers.Serializer[Any]):
    """Lift as it was published on a day."""

    date = serializers.DateField()
    policy_lift_percent = figure()
    policy_lift_interval = IntervalField()
    best_lift_percent = figure()
    best_lift_interval = IntervalField()
    measured_lift_percent = figure()
    measured_lift_ci = IntervalField()


class LiftHistoryShape(serializers.Serializer[Any]):
    """Lift, day by day."""

    daily = HistoryDayShape(many=True)


class ArmSumsShape(serializers.Serializer[Any]):
    """Sums over the mature users of one arm."""

    exposures = serializers.IntegerField(help_text="Users.")
    rewardsValueSum = serializers.FloatField()  # noqa: N815 - the contract's name
    rewardsValueSumSq = serializers.FloatField()  # noqa: N815 - the contract's name


class ArmsDayShape(serializers.Serializer[Any]):
    """Both arms of one day of first touch."""

    date = serializers.DateField()
    holdout = ArmSumsShape()
    levered = ArmSumsShape()


class MetricDailyShape(serializers.Serializer[Any]):
    """The days of one metric."""

    key = serializers.CharField(help_text="`reward` or a guardrail's metric id.")
    daily = ArmsDayShape(many=True)


class HoldoutDailyShape(serializers.Serializer[Any]):
    """Both arms, day by day, metric by metric."""

    metrics = MetricDailyShape(many=True)


class OutcomeShape(serializers.Serializer[Any]):
    """An outcome and what it is worth."""

    key = serializers.CharField()
    weight = serializers.FloatField()


class MixRowShape(serializers.Serializer[Any]):
    """Users alike in day, arm, variant, outcome and context."""

    day = serializers.DateField()
    in_holdout = serializers.BooleanField()
    variant = serializers.CharField()
    outcome_key = serializers.CharField()
    users = serializers.IntegerField()
    context = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]  # DRF collects fields; the name is the contract's


class OutcomeMixShape(serializers.Serializer[Any]):
    """How users ended, by everything."""

    outcomes = OutcomeShape(many=True)
    rows = MixRowShape(many=True)


class CellShape(serializers.Serializer[Any]):
    """A cell of the cube, or with `raw` a touch and its rewards."""

    day = serializers.DateField(required=False)
    regime = serializers.IntegerField(required=False)
    policy_version = serializers.IntegerField(required=False, allow_null=True)
    variant = serializers.JSONField(required=False)
    context = serializers.JSONField(required=False)  # type: ignore[assignment]  # DRF collects fields; the name is the contract's
    users = serializers.IntegerField(required=False)
    exposures = serializers.IntegerField(required=False)
    converted = serializers.IntegerField(required=False)
    rewards = serializers.ListField(child=serializers.DictField(), required=False)


class ObservationsShape(serializers.Serializer[Any]):
    """A page of observations."""

    observations = CellShape(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReportDataShape(serializers.Serializer[Any]):
    """Everything in one document; a part that fails is `{"error": …}`."""

    optimization = serializers.DictField()
    results = serializers.DictField()
    holdout_daily = serializers.DictField()
    outcome_mix = serializers.DictField()
    guardrails = serializers.DictField()
    policy_lift_history = serializers.DictField()

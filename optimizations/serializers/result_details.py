"""Shapes of further readings of the stored counts."""

from typing import Any

from rest_framework import serializers

from optimizations.serializers.fields import IntervalField, build_nullable_float


class ArmUsersSerializer(serializers.Serializer[Any]):
    """Users of both arms."""

    optimized = serializers.IntegerField()
    holdout = serializers.IntegerField()


class WinnerSerializer(serializers.Serializer[Any]):
    """The variant that gets the largest share of the optimized arm."""

    number = serializers.IntegerField()
    share = serializers.FloatField()


class ProgressSerializer(serializers.Serializer[Any]):
    """How far an optimization is."""

    days_running = serializers.IntegerField()
    users = ArmUsersSerializer()
    conversions = serializers.IntegerField()
    estimated_progress = build_nullable_float("0 to 1.")
    winner = WinnerSerializer(allow_null=True)
    stable_since = serializers.DateField(allow_null=True)
    days_to_decision = serializers.IntegerField(
        allow_null=True,
        help_text="Until lift_ci_anytime is expected to exclude zero: the median.",
    )
    days_to_decision_interval = serializers.ListField(
        child=serializers.IntegerField(allow_null=True),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text="Central 95%; an upper end of null is beyond a year.",
    )
    unavailable = serializers.DictField(child=serializers.CharField())


class GuardrailSerializer(serializers.Serializer[Any]):
    """A metric that must not suffer."""

    metric_id = serializers.UUIDField()
    name = serializers.CharField()
    direction = serializers.CharField()
    holdout_rate = build_nullable_float()
    optimization_rate = build_nullable_float()
    lift_percent = build_nullable_float()
    lift_ci = IntervalField()
    lift_ci_anytime = IntervalField()
    p_value = build_nullable_float()
    p_value_anytime = build_nullable_float()
    status = serializers.ChoiceField(
        choices=["ok", "violated", "pending"],
        help_text="By p_value_anytime times the number of guardrails. lift_ci and p_value "
        "hold for one look planned beforehand.",
    )
    unavailable = serializers.DictField(child=serializers.CharField())


class GuardrailsSerializer(serializers.Serializer[Any]):
    """All guardrails."""

    guardrails = GuardrailSerializer(many=True)


class LiftHistoryDaySerializer(serializers.Serializer[Any]):
    """Lift as it was published on a day."""

    date = serializers.DateField()
    policy_lift_percent = build_nullable_float()
    policy_lift_interval = IntervalField()
    best_lift_percent = build_nullable_float()
    best_lift_interval = IntervalField()
    measured_lift_percent = build_nullable_float()
    measured_lift_ci = IntervalField()
    unavailable = serializers.DictField(child=serializers.CharField())


class LiftHistorySerializer(serializers.Serializer[Any]):
    """Lift, day by day."""

    daily = LiftHistoryDaySerializer(many=True)


class ArmSumsSerializer(serializers.Serializer[Any]):
    """Sums over the mature users of one arm."""

    exposures = serializers.IntegerField(help_text="Users.")
    rewardsValueSum = serializers.FloatField()  # noqa: N815 - the contract's name
    rewardsValueSumSq = serializers.FloatField()  # noqa: N815 - the contract's name


class DailyArmsSerializer(serializers.Serializer[Any]):
    """Both arms of one day of first touch."""

    date = serializers.DateField()
    holdout = ArmSumsSerializer()
    levered = ArmSumsSerializer()


class MetricDailySerializer(serializers.Serializer[Any]):
    """The days of one metric."""

    key = serializers.CharField(help_text="`reward` or a guardrail's metric id.")
    daily = DailyArmsSerializer(many=True)


class HoldoutDailySerializer(serializers.Serializer[Any]):
    """Both arms, day by day, metric by metric."""

    metrics = MetricDailySerializer(many=True)


class OutcomeWeightSerializer(serializers.Serializer[Any]):
    """An outcome and what it is worth."""

    key = serializers.CharField()
    weight = serializers.FloatField()


class OutcomeMixRowSerializer(serializers.Serializer[Any]):
    """Users alike in day, arm, variant, outcome and context."""

    day = serializers.DateField()
    in_holdout = serializers.BooleanField()
    variant = serializers.CharField()
    outcome_key = serializers.CharField()
    users = serializers.IntegerField()
    context = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]  # DRF collects fields; the name is the contract's


class OutcomeMixSerializer(serializers.Serializer[Any]):
    """How users ended, by everything."""

    outcomes = OutcomeWeightSerializer(many=True)
    rows = OutcomeMixRowSerializer(many=True)


class ObservationSerializer(serializers.Serializer[Any]):
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


class ObservationsPageSerializer(serializers.Serializer[Any]):
    """A page of observations."""

    observations = ObservationSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReportDataSerializer(serializers.Serializer[Any]):
    """Everything in one document; a part that fails is `{"error": …}`."""

    optimization = serializers.DictField()
    results = serializers.DictField()
    holdout_daily = serializers.DictField()
    outcome_mix = serializers.DictField()
    guardrails = serializers.DictField()
    policy_lift_history = serializers.DictField()

"""Shapes of further readings of the stored counts."""

from typing import Any

from rest_framework import serializers

from optimizations.serializers.figures import IntervalField, figure


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


class GuardrailShape(serializers.Serializer[Any]):
    """A metric that must not suffer."""

    metric_id = serializers.UUIDField()
    name = serializers.CharField()
    direction = serializers.CharField()
    holdout_rate = figure()
    optimization_rate = figure()
    lift_percent = figure()
    lift_ci = IntervalField()
    lift_ci_anytime = IntervalField()
    p_value = figure()
    p_value_anytime = figure()
    status = serializers.ChoiceField(
        choices=["ok", "violated", "pending"],
        help_text="By p_value_anytime times the number of guardrails. lift_ci and p_value "
        "hold for one look planned beforehand.",
    )
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
    unavailable = serializers.DictField(child=serializers.CharField())


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

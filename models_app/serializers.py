"""Shapes of /models."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictFloatField
from levered_site.api.serializers import StrictSerializer
from models_app.models import BanditModel, TrainingRun


class BanditModelSerializer(serializers.ModelSerializer[BanditModel]):
    """A model: its design and how far it is."""

    training_data_config = serializers.DictField()

    class Meta:
        model = BanditModel
        fields = (
            "id",
            "model_type",
            "status",
            "policy_version",
            "training_data_config",
            "created_at",
            "updated_at",
        )


class TrainSerializer(StrictSerializer):
    """The optional body of a training: `bias` widens the exploration of a factor."""

    bias = serializers.DictField(
        child=StrictFloatField(min_value=-1.0, max_value=100.0), required=False
    )


class MeanIntervalSerializer(serializers.Serializer[Any]):
    """A mean and its 95% interval."""

    mean = serializers.FloatField()
    ci_lower = serializers.FloatField()
    ci_upper = serializers.FloatField()


class InSampleMetricsSerializer(serializers.Serializer[Any]):
    """What was earned per user, and what the new policy is expected to earn."""

    historic_reward = serializers.FloatField(allow_null=True)
    expected_reward = MeanIntervalSerializer()


class TrainingRunSerializer(serializers.ModelSerializer[TrainingRun]):
    """One attempt to learn."""

    model_id = serializers.UUIDField()
    seconds = serializers.DictField(
        child=serializers.FloatField(), help_text="Seconds spent per phase."
    )
    bias = serializers.DictField(child=serializers.FloatField())
    error = serializers.SerializerMethodField()
    in_sample_metrics = InSampleMetricsSerializer(allow_null=True)

    class Meta:
        model = TrainingRun
        fields = (
            "id",
            "model_id",
            "status",
            "progress",
            "rows_read",
            "seconds",
            "error",
            "bias",
            "requested_by",
            "attempts",
            "cancel_requested",
            "in_sample_metrics",
            "policy_version",
            "created_at",
            "updated_at",
            "started_at",
            "finished_at",
        )

    def get_error(self, run: TrainingRun) -> str | None:
        """Say why it failed, if it did."""
        return run.error or None


class TrainingResultSerializer(serializers.Serializer[Any]):
    """The answer to a training: done, or under way."""

    model_id = serializers.UUIDField()
    training_run_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["trained", "training"])
    policy_version = serializers.IntegerField(required=False)
    in_sample_metrics = InSampleMetricsSerializer(required=False)


class VariantStateSerializer(serializers.Serializer[Any]):
    """What is known of a variant; figures are null before the first training."""

    number = serializers.IntegerField()
    variant = serializers.DictField()
    enabled = serializers.BooleanField(
        allow_null=True, help_text="By the version that serves; null of a draft."
    )
    exposures = serializers.IntegerField()
    conversions = serializers.IntegerField()
    weight = serializers.FloatField(allow_null=True)
    prob_best = serializers.FloatField(allow_null=True)
    expected_reward_mean = serializers.FloatField(allow_null=True)
    expected_reward_lo = serializers.FloatField(allow_null=True)
    expected_reward_hi = serializers.FloatField(allow_null=True)


class ContextStateSerializer(serializers.Serializer[Any]):
    """The same on one level of a context factor."""

    context = serializers.DictField(  # type: ignore[assignment]  # DRF collects fields; the name is the contract's
        help_text='Factor to level; {"other": true} for any other value, null for none.'
    )
    share = serializers.FloatField()
    best_variant = serializers.IntegerField()
    prob_best = serializers.FloatField()
    expected_gain = serializers.FloatField(
        allow_null=True,
        help_text="Reward of the best variant there, less that of the best overall.",
    )
    expected_gain_lo = serializers.FloatField(allow_null=True)
    expected_gain_hi = serializers.FloatField(allow_null=True)
    variants = VariantStateSerializer(many=True)


class ModelStateSerializer(serializers.Serializer[Any]):
    """What a model has learned."""

    model_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=BanditModel.Status.choices)
    policy_version = serializers.IntegerField()
    trained_at = serializers.DateTimeField(allow_null=True)
    reward_model = serializers.ChoiceField(
        choices=["chance", "hurdle", "mean", "outcomes"], allow_null=True
    )
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What learning noticed."
    )
    variants = VariantStateSerializer(many=True)
    contexts = ContextStateSerializer(many=True)
    coefficients = serializers.ListField(child=serializers.DictField())
    unavailable = serializers.DictField(child=serializers.CharField())

"""Optimizations as responses show them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from metrics.models import Metric
from models_app.models import BanditModel
from optimizations.models import Optimization
from optimizations.results.lift.measured_lift import OPEN_NOTE
from optimizations.serializers.health_field import HealthField
from optimizations.serializers.training_data_config import (
    FactorSerializer,
    RewardSerializer,
    TrainingDataConfigSerializer,
)


class MetricSummarySerializer(serializers.ModelSerializer[Metric]):
    """A metric of an optimization."""

    reward_type = serializers.ChoiceField(
        choices=["bool", "numeric", "outcomes"], read_only=True
    )

    class Meta:
        model = Metric
        fields = ("id", "name", "reward_type", "outcomes", "direction")


class RewardWithOutcomesSerializer(RewardSerializer):
    """The reward with the weighted outcomes of its metric, if it has any."""

    outcomes = serializers.ListField(child=serializers.DictField())


class ModelConfigSerializer(serializers.Serializer[Any]):
    """The configuration that the model learns with."""

    design_factors = FactorSerializer(many=True)
    context_factors = FactorSerializer(many=True)
    reward = serializers.SerializerMethodField()

    @extend_schema_field(RewardWithOutcomesSerializer)
    def get_reward(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return the outcomes as fixed at launch; before the launch, the metric's."""
        reward = config["reward"]
        metric: Metric | None = self.context["metric"]
        metric_outcomes = metric.outcomes if metric else None
        return {
            "name": reward["name"],
            "type": reward["type"],
            "outcomes": reward.get("outcomes") or metric_outcomes or [],
        }


class OptimizationSerializer(serializers.ModelSerializer[Optimization]):
    """An optimization with all its fields."""

    model_id = serializers.UUIDField()
    model_type = serializers.ChoiceField(
        source="model.model_type", choices=BanditModel.Type.values
    )
    model_status = serializers.ChoiceField(
        source="model.status", choices=BanditModel.Status.values
    )
    training_data_config = TrainingDataConfigSerializer(
        source="model.training_data_config"
    )
    reward_metric_id = serializers.UUIDField(allow_null=True)
    reward_metric = MetricSummarySerializer(allow_null=True)
    guardrail_metric_ids = serializers.SerializerMethodField()
    guardrail_metrics = MetricSummarySerializer(many=True)
    assignment_source_id = serializers.UUIDField(allow_null=True)
    excluded_combinations = serializers.ListField(
        child=serializers.DictField(child=serializers.JSONField())
    )
    allowed_origins = serializers.ListField(child=serializers.CharField())
    ignored_context_factors = serializers.ListField(
        child=serializers.CharField(),
        help_text="Context factors that training ignores, because a candidate without "
        "them was promoted.",
    )
    variants_count = serializers.SerializerMethodField()
    reward_conversion_window = serializers.IntegerField(
        source="model.training_data_config.attribution.conversion_window_hours",
        help_text="Hours.",
    )
    policy_version = serializers.IntegerField(source="model.policy_version")
    model_config = serializers.SerializerMethodField()

    class Meta:
        model = Optimization
        fields: tuple[str, ...] = (
            "id",
            "name",
            "status",
            "model_id",
            "model_type",
            "model_status",
            "training_data_config",
            "reward_metric_id",
            "reward_metric",
            "guardrail_metric_ids",
            "guardrail_metrics",
            "holdout_percentage",
            "excluded_combinations",
            "assignment_source_id",
            "retrain_every_minutes",
            "allocation",
            "exploration_share",
            "ignored_context_factors",
            "expected_users",
            "allowed_origins",
            "public_policy",
            "variants_count",
            "reward_conversion_window",
            "policy_version",
            "created_at",
            "updated_at",
            "went_live_at",
            "model_config",
        )

    def get_guardrail_metric_ids(self, optimization: Optimization) -> list[str]:
        """Return the ids of the guardrail metrics."""
        return [str(metric.pk) for metric in optimization.guardrail_metrics.all()]

    def get_variants_count(self, optimization: Optimization) -> int:
        """Return the number of combinations, including excluded and disabled ones."""
        return optimization.variants_count()

    @extend_schema_field(ModelConfigSerializer)
    def get_model_config(self, optimization: Optimization) -> dict[str, Any]:
        """Return the configuration that the model learns with."""
        serializer = ModelConfigSerializer(
            optimization.model.training_data_config,
            context={"metric": optimization.reward_metric},
        )
        return dict(serializer.data)


class ShippedOptimizationSerializer(OptimizationSerializer):
    """An optimization that was just shipped, and on which figures."""

    health = HealthField(
        help_text="Of the last count before it was shipped: its reasons were known then."
    )
    confirmed = serializers.BooleanField(
        help_text="Whether it was shipped in spite of any reasons of the health."
    )

    class Meta(OptimizationSerializer.Meta):
        fields = (*OptimizationSerializer.Meta.fields, "health", "confirmed")


class ChangedOptimizationSerializer(ShippedOptimizationSerializer):
    """An optimization that was just changed; if the change shipped it, on which figures."""

    health = HealthField(
        required=False,
        help_text="Only where this shipped it, of the last count before: its reasons were "
        "known then.",
    )
    confirmed = serializers.BooleanField(
        required=False,
        help_text="Only where this shipped it: whether in spite of any reasons of the "
        "health.",
    )


def _build_interval_field() -> serializers.Field[Any, Any, Any, Any]:
    return serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text=OPEN_NOTE,
    )


class ResultsSummarySerializer(serializers.Serializer[Any]):
    """The results of an optimization in short, for lists."""

    variants_count = serializers.IntegerField()
    lift = serializers.FloatField(
        allow_null=True,
        help_text="Measured against the holdout, in percent. Null while withheld.",
    )
    lift_ci_anytime = serializers.ListField(
        child=serializers.FloatField(),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text="Of lift: 95% at any number of looks together.",
    )
    difference = serializers.FloatField(
        allow_null=True,
        help_text="Per user, in units of the value: also where no percentage is.",
    )
    difference_ci = _build_interval_field()
    difference_ci_anytime = _build_interval_field()
    confidence = serializers.FloatField(
        allow_null=True,
        help_text="1 - p of the lift, at all looks together. Null while withheld.",
    )
    exposures = serializers.IntegerField()
    as_of = serializers.DateTimeField(
        allow_null=True,
        help_text="When the warehouse last counted. Null if it never did.",
    )
    unavailable = serializers.DictField(
        child=serializers.CharField(),
        help_text="Why figures of the lift are null, by their names.",
    )
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="Of what the lift is, where variants that earned it are not served now.",
    )
    health = HealthField()


class OptimizationRowSerializer(serializers.ModelSerializer[Optimization]):
    """An optimization in a list."""

    model_id = serializers.UUIDField()
    model_status = serializers.ChoiceField(
        source="model.status", choices=BanditModel.Status.values
    )
    summary = serializers.SerializerMethodField()

    class Meta:
        model = Optimization
        fields = (
            "id",
            "name",
            "status",
            "model_status",
            "model_id",
            "created_at",
            "updated_at",
            "summary",
        )

    @extend_schema_field(ResultsSummarySerializer(allow_null=True))
    def get_summary(self, optimization: Optimization) -> dict[str, Any] | None:
        """Return the summary that the view loaded; null before the first training."""
        summary: dict[str, Any] | None = self.context["summaries"].get(optimization.pk)
        return summary

"""Requests that create or change optimizations and variants."""

from rest_framework import serializers

from levered_site import limits
from levered_site.api.fields import (
    BoundedDictField,
    BoundedListField,
    StrictBooleanField,
    StrictCharField,
    StrictFloatField,
    StrictIntegerField,
)
from levered_site.api.serializers import StrictSerializer
from models_app.models import BanditModel
from optimizations.models import Optimization
from optimizations.serializers.origin_field import OriginField
from optimizations.serializers.reference_field import (
    AssignmentSourceField,
    MetricField,
)
from optimizations.serializers.training_data_config import (
    MOST_FACTORS,
    ComparedLevelField,
    TrainingDataConfigSerializer,
)

MOST_EXCLUSIONS = 500
MOST_ORIGINS = 100


class OptimizationBodySerializer(StrictSerializer):
    """Fields of both creation and change."""

    name = StrictCharField(max_length=200)
    training_data_config = TrainingDataConfigSerializer()
    reward_metric_id = MetricField(required=False, allow_null=True)
    guardrail_metric_ids = BoundedListField(
        child=MetricField(), max_length=100, required=False
    )
    holdout_percentage = StrictFloatField(
        min_value=0, max_value=limits.MAX_HOLDOUT_PERCENTAGE, required=False
    )
    excluded_combinations = BoundedListField(
        child=BoundedDictField(child=ComparedLevelField(), max_length=MOST_FACTORS),
        max_length=MOST_EXCLUSIONS,
        required=False,
        help_text="Partial maps of factor to level. Levels are compared as text.",
    )
    assignment_source_id = AssignmentSourceField(required=False, allow_null=True)
    retrain_every_minutes = StrictIntegerField(
        min_value=5, max_value=10_080, required=False
    )
    allocation = serializers.ChoiceField(
        choices=Optimization.Allocation.values, required=False
    )
    exploration_share = StrictFloatField(min_value=0, max_value=0.2, required=False)
    expected_users = StrictIntegerField(min_value=1, required=False, allow_null=True)
    allowed_origins = BoundedListField(
        child=OriginField(), max_length=MOST_ORIGINS, required=False
    )
    public_policy = StrictBooleanField(
        required=False,
        help_text="Whether anybody may read the policy, to decide without asking.",
    )


class NewOptimizationSerializer(OptimizationBodySerializer):
    """The body of a new optimization."""

    # The table's, for the OpenAPI document.
    stated_defaults = {
        name: Optimization(name="").serializable_value(name)
        for name in (
            *("holdout_percentage", "retrain_every_minutes", "allocation"),
            *("exploration_share", "public_policy"),
        )
    }

    model_type = serializers.ChoiceField(
        choices=BanditModel.Type.values, default=BanditModel.Type.CMAB.value
    )
    status = serializers.ChoiceField(
        choices=["draft", "live"],
        required=False,
        help_text="Default: live, or draft without a reward metric.",
    )


class OptimizationChangeSerializer(OptimizationBodySerializer):
    """The body of a change; missing fields stay as they are."""

    status = serializers.ChoiceField(choices=Optimization.Status.values, required=False)
    confirm = StrictBooleanField(
        required=False,
        help_text="With `status`: change it in spite of the reasons that a 409 named.",
    )


class ConfirmSerializer(StrictSerializer):
    """The body of a change that may need a confirmation."""

    confirm = StrictBooleanField(
        required=False,
        default=False,
        help_text="Do it in spite of the reasons that a 409 named.",
    )


class VariantChangeSerializer(StrictSerializer):
    """The body that enables or disables a variant."""

    enabled = StrictBooleanField()

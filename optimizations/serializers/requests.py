"""Shapes of what clients ask of optimizations: create, change, enable."""

from rest_framework import serializers

from levered_site.api.fields import (
    StrictBoolean,
    StrictChar,
    StrictFloat,
    StrictInteger,
    StrictUUID,
)
from levered_site.api.serializers import StrictSerializer
from models_app.models import BanditModel
from optimizations.models import Optimization
from optimizations.serializers.configuration import (
    LevelValueField,
    TrainingDataConfigShape,
)
from optimizations.serializers.origins import OriginField

MOST_EXCLUSIONS = 500
MOST_ORIGINS = 100


class ChangeableShape(StrictSerializer):
    """Fields that create and change share."""

    name = StrictChar(max_length=200)
    training_data_config = TrainingDataConfigShape()
    reward_metric_id = StrictUUID(required=False, allow_null=True)
    guardrail_metric_ids = serializers.ListField(
        child=StrictUUID(), max_length=100, required=False
    )
    holdout_percentage = StrictFloat(min_value=0, max_value=50, required=False)
    excluded_combinations = serializers.ListField(
        child=serializers.DictField(child=LevelValueField()),
        max_length=MOST_EXCLUSIONS,
        required=False,
    )
    assignment_source_id = StrictUUID(required=False, allow_null=True)
    retrain_every_minutes = StrictInteger(min_value=5, max_value=10_080, required=False)
    allocation = serializers.ChoiceField(
        choices=Optimization.Allocation.values, required=False
    )
    exploration_share = StrictFloat(min_value=0, max_value=0.2, required=False)
    expected_users = StrictInteger(min_value=1, required=False, allow_null=True)
    allowed_origins = serializers.ListField(
        child=OriginField(), max_length=MOST_ORIGINS, required=False
    )


class CreateShape(ChangeableShape):
    """The body of a new optimization."""

    model_type = serializers.ChoiceField(
        choices=BanditModel.Type.values, default=BanditModel.Type.CMAB.value
    )
    status = serializers.ChoiceField(
        choices=["draft", "live"],
        required=False,
        help_text="Default: live, or draft where no reward metric is given.",
    )


class ChangeShape(ChangeableShape):
    """The body of a change; what is not given stays."""

    status = serializers.ChoiceField(choices=Optimization.Status.values, required=False)


class VariantChangeShape(StrictSerializer):
    """The body of a change of a variant."""

    enabled = StrictBoolean()

"""Shapes of a candidate: what it is set to, and how it compares."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictCharField, StrictFloatField
from levered_site.api.serializers import StrictSerializer
from optimizations.models import Optimization
from optimizations.serializers.evaluation import EvaluationSerializer
from optimizations.serializers.training_data_config import LONGEST_NAME, MOST_FACTORS


class PutCandidateSerializer(StrictSerializer):
    """How the candidate learns; what is not given is as the live model has it."""

    allocation = serializers.ChoiceField(
        choices=Optimization.Allocation.values, required=False
    )
    exploration_share = StrictFloatField(min_value=0, max_value=0.2, required=False)
    ignored_context_factors = serializers.ListField(
        child=StrictCharField(max_length=LONGEST_NAME),
        max_length=MOST_FACTORS,
        required=False,
        help_text="Names of context factors that it learns without.",
    )


class LearningSettingsSerializer(serializers.Serializer[Any]):
    """What learning goes by."""

    allocation = serializers.ChoiceField(choices=Optimization.Allocation.values)
    exploration_share = serializers.FloatField()
    ignored_context_factors = serializers.ListField(child=serializers.CharField())


class CandidateSerializer(LearningSettingsSerializer):
    """A candidate beside the live model."""

    optimization_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    live = LearningSettingsSerializer(help_text="The same of the model that serves.")
    trained_at = serializers.DateTimeField(
        allow_null=True, help_text="When its newest table was made."
    )
    trainings = serializers.IntegerField(help_text="Tables made so far.")
    error = serializers.CharField(
        allow_null=True, help_text="Why the last training made no table of it."
    )
    comparison = EvaluationSerializer(
        allow_null=True,
        help_text="What it would have earned of the users who came since its first "
        "table, each judged by its newest table of that time, beside what was served.",
    )
    unavailable = serializers.DictField(child=serializers.CharField())

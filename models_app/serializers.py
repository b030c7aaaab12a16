"""Serializers of models and training runs."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import BoundedDictField, StrictFloatField
from levered_site.api.serializers import StrictSerializer
from models_app import run_figures, version_history
from models_app.models import BanditModel, PolicyVersion, TrainingRun

NOTES_HELP = (
    "What went wrong although it trained: guardrails that could not be counted."
)
EXPECTED_REWARD_HELP = (
    "What the model assumed at that training. Null where modeled rewards were withheld "
    "then, and of the newest run also where the last count distrusts them."
)
MOST_BIASED_FACTORS = 40  # design and context factors together


class BanditModelSerializer(serializers.ModelSerializer[BanditModel]):
    """A model with its design and status."""

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
    """The optional body of a training; `bias` widens the exploration of a factor."""

    bias = BoundedDictField(
        child=StrictFloatField(min_value=-1.0, max_value=100.0),
        max_length=MOST_BIASED_FACTORS,
        required=False,
    )


class MeanIntervalSerializer(serializers.Serializer[Any]):
    """A mean and its 95% interval."""

    mean = serializers.FloatField()
    ci_lower = serializers.FloatField()
    ci_upper = serializers.FloatField()


class InSampleMetricsSerializer(serializers.Serializer[Any]):
    """The reward per user so far, and the one expected under the new policy."""

    historic_reward = serializers.FloatField(allow_null=True)
    expected_reward = MeanIntervalSerializer(
        allow_null=True, help_text=EXPECTED_REWARD_HELP
    )
    unavailable = serializers.DictField(
        child=serializers.CharField(), default=dict, help_text="Why a figure is null."
    )


class TrainingRunSerializer(serializers.ModelSerializer[TrainingRun]):
    """One training run."""

    model_id = serializers.UUIDField()
    seconds = serializers.DictField(
        child=serializers.FloatField(), help_text="Seconds spent per phase."
    )
    bias = serializers.DictField(child=serializers.FloatField())
    error = serializers.SerializerMethodField()
    in_sample_metrics = serializers.SerializerMethodField()
    notes = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text=NOTES_HELP
    )

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
            "notes",
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

    @extend_schema_field(InSampleMetricsSerializer(allow_null=True))
    def get_in_sample_metrics(self, run: TrainingRun) -> dict[str, Any] | None:
        """Return the figures that may be shown now."""
        newest_versions = self.context.get("newest_versions")
        figures = run_figures.load_shown_figures(run, newest_versions)
        if figures is None:
            return None
        return dict(InSampleMetricsSerializer(figures).data)

    def get_error(self, run: TrainingRun) -> str | None:
        """Return why it failed, or null."""
        return run.error or None


SHARES_SCHEMA = {"type": "object", "additionalProperties": {"type": "number"}}


@extend_schema_field(
    SHARES_SCHEMA
    | {
        "description": "By variant number: its share of the optimized arm's users, 0 to "
        "1, averaged over the contexts of the users counted by then."
    }
)
class WeightsField(serializers.DictField):
    """Shares by variant number."""


@extend_schema_field(
    SHARES_SCHEMA
    | {
        "description": "By variant number: its probability of being best overall, as "
        "that training reported it.",
    }
)
class ProbBestField(serializers.DictField):
    """Probabilities by variant number, or null."""


class PolicyVersionSerializer(serializers.Serializer[PolicyVersion]):
    """What a policy version served, and which variants it took to be best."""

    version = serializers.IntegerField(source="number")
    created_at = serializers.DateTimeField()
    cause = serializers.ChoiceField(
        choices=PolicyVersion.Cause.choices,
        help_text="`start` is the uniform one of the launch.",
    )
    training_run_id = serializers.UUIDField(allow_null=True)
    weights = WeightsField()
    prob_best = ProbBestField(allow_null=True)
    unavailable = serializers.DictField(
        child=serializers.CharField(), help_text="Why a figure is null."
    )

    def to_representation(self, instance: PolicyVersion) -> dict[str, Any]:
        """Return the version with its figures."""
        figures = version_history.build_figures(instance)
        prob_best = figures.prob_best
        return {
            "version": instance.number,
            "created_at": instance.created_at,
            "cause": instance.cause,
            "training_run_id": instance.training_run_id,
            "weights": _name_numbers(figures.weights),
            "prob_best": None if prob_best is None else _name_numbers(prob_best),
            "unavailable": dict(figures.unavailable),
        }


def _name_numbers(figures: Mapping[int, float]) -> dict[str, float]:
    return {str(number): figure for number, figure in figures.items()}


class TrainingResultSerializer(serializers.Serializer[Any]):
    """The response to a training request: trained, or still training."""

    model_id = serializers.UUIDField()
    training_run_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["trained", "training"])
    policy_version = serializers.IntegerField(required=False)
    in_sample_metrics = InSampleMetricsSerializer(required=False)
    notes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=NOTES_HELP
    )

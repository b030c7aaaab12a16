"""Shapes of off-policy evaluation: the policy asked for, and the answer."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import StrictIntegerField
from levered_site.api.serializers import UNKNOWN_FIELD, StrictSerializer
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.serializers.fields import IntervalField

NAMED_POLICIES = ("without_context", "candidate")
NUMBERED_POLICIES = ("variant", "version")
LARGEST_NUMBER = 2**31 - 1
NUMBER_SCHEMA = {"type": "integer", "maximum": LARGEST_NUMBER}


def _build_object_schema(kind: str, minimum: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {kind: {**NUMBER_SCHEMA, "minimum": minimum}},
        "required": [kind],
        "additionalProperties": False,
    }


@extend_schema_field(
    {
        "oneOf": [
            _build_object_schema("variant", 1),
            _build_object_schema("version", 0),
            {"type": "string", "enum": list(NAMED_POLICIES)},
        ]
    }
)
class TargetPolicyField(serializers.Field[Any, Any, Any, Any]):
    """`{"variant": n}`, `{"version": n}`, `"without_context"` or `"candidate"`."""

    # Braces twice: the message is a format.
    default_error_messages = {
        "policy": 'must be {{"variant": number}}, {{"version": number}}, '
        + " or ".join(f'"{name}"' for name in NAMED_POLICIES),
    }

    def to_internal_value(self, data: Any) -> tuple[str, int | None]:
        """Return kind and number."""
        if isinstance(data, str) and data in NAMED_POLICIES:
            return data, None
        if not isinstance(data, Mapping):
            self.fail("policy")
        unknown = {
            str(name)[:200]: [UNKNOWN_FIELD]
            for name in data
            if name not in NUMBERED_POLICIES
        }
        if unknown:
            raise serializers.ValidationError(unknown)
        if len(data) != 1:
            self.fail("policy")
        ((kind, number),) = data.items()
        least = 1 if kind == "variant" else 0
        field = StrictIntegerField(min_value=least, max_value=LARGEST_NUMBER)
        try:
            return kind, field.run_validation(number)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({kind: error.detail}) from error


class EvaluateSerializer(StrictSerializer):
    """What to evaluate, and on whom."""

    policy = TargetPolicyField()
    from_version = StrictIntegerField(
        min_value=0,
        max_value=LARGEST_NUMBER,
        required=False,
        help_text="Users first touched under this policy version or a later one; "
        "default 0; for a version that version, for the candidate its first: users whom a "
        "policy learned from flatter it.",
    )
    to_version = StrictIntegerField(
        min_value=0,
        max_value=LARGEST_NUMBER,
        required=False,
        help_text="Users first touched under this policy version or an earlier one.",
    )

    def to_request(self) -> EvaluationRequest:
        """Return what was asked, validated."""
        given = self.validated_data
        kind, value = given["policy"]
        return EvaluationRequest(
            kind, value, given.get("from_version"), given.get("to_version")
        )


class EstimateSerializer(serializers.Serializer[Any]):
    """A mean value per user."""

    value = serializers.FloatField()
    interval = IntervalField(help_text="95%.")
    effective_sample_size = serializers.FloatField(
        help_text="So many users, served by the policy itself, give the same error."
    )


class EstimatorsSerializer(serializers.Serializer[Any]):
    """The same quantity three times; doubly_robust is the one to read first."""

    ips = EstimateSerializer()
    snips = EstimateSerializer()
    doubly_robust = EstimateSerializer()


class ValueDifferenceSerializer(serializers.Serializer[Any]):
    """Policy minus served on the same users, doubly robust."""

    value = serializers.FloatField()
    interval = IntervalField(help_text="95%.")


class LeftOutUsersSerializer(serializers.Serializer[Any]):
    """Users that could not be used, by reason."""

    immature = serializers.IntegerField(help_text="Their horizon has not passed.")
    without_version = serializers.IntegerField(help_text="No policy version logged.")
    unknown_version = serializers.IntegerField(help_text="No such policy version.")
    unknown_variant = serializers.IntegerField(help_text="Not one of the variants.")
    shipped = serializers.IntegerField(help_text="Nothing was drawn for them.")
    outside_versions = serializers.IntegerField(help_text="Not of the versions asked.")
    against_policy = serializers.IntegerField(
        help_text="Saw a variant that the logged policy could not give them."
    )
    without_comparison = serializers.IntegerField(
        help_text="Came on a day on which all usable users were held out."
    )


class EvaluatedUsersSerializer(serializers.Serializer[Any]):
    """Who is behind the figures."""

    used = serializers.IntegerField()
    deciding = serializers.IntegerField(
        help_text="Expected number of users that carry the uncertainty."
    )
    learned_from = serializers.IntegerField(
        help_text="Of those used, how many the version asked for may have learned from."
    )
    left_out = LeftOutUsersSerializer()


class EvaluationSerializer(serializers.Serializer[Any]):
    """What the policy would have earned, beside what served did, on the same users."""

    optimization_id = serializers.UUIDField()
    metric_id = serializers.UUIDField()
    policy = TargetPolicyField()
    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    estimators = EstimatorsSerializer(allow_null=True)
    served = EstimatorsSerializer(allow_null=True)
    difference = ValueDifferenceSerializer(allow_null=True)
    users = EvaluatedUsersSerializer()
    unavailable = serializers.DictField(child=serializers.CharField())

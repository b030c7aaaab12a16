"""Shapes of off-policy evaluation: the policy asked for, and the answer."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import StrictInteger
from levered_site.api.serializers import UNKNOWN, StrictSerializer
from optimizations.off_policy.eligible_cells import Asked
from optimizations.serializers.figures import IntervalField

NAMED = ("without_context", "candidate")
KINDS = ("variant", "version")
LARGEST = 2**31 - 1
NUMBER = {"type": "integer", "maximum": LARGEST}


def _only(kind: str, minimum: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {kind: {**NUMBER, "minimum": minimum}},
        "required": [kind],
        "additionalProperties": False,
    }


@extend_schema_field(
    {
        "oneOf": [
            _only("variant", 1),
            _only("version", 0),
            {"type": "string", "enum": list(NAMED)},
        ]
    }
)
class PolicyField(serializers.Field[Any, Any, Any, Any]):
    """`{"variant": n}`, `{"version": n}`, `"without_context"` or `"candidate"`."""

    # Braces twice: the message is a format.
    default_error_messages = {
        "policy": 'must be {{"variant": number}}, {{"version": number}}, '
        + " or ".join(f'"{name}"' for name in NAMED),
    }

    def to_internal_value(self, data: Any) -> tuple[str, int | None]:
        """Return kind and number."""
        if isinstance(data, str) and data in NAMED:
            return data, None
        if not isinstance(data, Mapping):
            self.fail("policy")
        unknown = {str(name)[:200]: [UNKNOWN] for name in data if name not in KINDS}
        if unknown:
            raise serializers.ValidationError(unknown)
        if len(data) != 1:
            self.fail("policy")
        ((kind, number),) = data.items()
        least = 1 if kind == "variant" else 0
        field = StrictInteger(min_value=least, max_value=LARGEST)
        try:
            return kind, field.run_validation(number)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({kind: error.detail}) from error


class EvaluateShape(StrictSerializer):
    """What to evaluate, and on whom."""

    policy = PolicyField()
    from_version = StrictInteger(
        min_value=0,
        max_value=LARGEST,
        required=False,
        help_text="Users first touched under this policy version or a later one; "
        "default 0; for a version that version, for the candidate its first: users whom a "
        "policy learned from flatter it.",
    )
    to_version = StrictInteger(
        min_value=0,
        max_value=LARGEST,
        required=False,
        help_text="Users first touched under this policy version or an earlier one.",
    )

    def asked(self) -> Asked:
        """Return what was asked, validated."""
        given = self.validated_data
        kind, value = given["policy"]
        return Asked(kind, value, given.get("from_version"), given.get("to_version"))


class EstimateShape(serializers.Serializer[Any]):
    """A mean value per user."""

    value = serializers.FloatField()
    interval = IntervalField(help_text="95%.")
    effective_sample_size = serializers.FloatField(
        help_text="So many users, served by the policy itself, give the same error."
    )


class EstimatorsShape(serializers.Serializer[Any]):
    """The same quantity three times; doubly_robust is the one to read first."""

    ips = EstimateShape()
    snips = EstimateShape()
    doubly_robust = EstimateShape()


class DifferenceShape(serializers.Serializer[Any]):
    """Policy minus served on the same users, doubly robust."""

    value = serializers.FloatField()
    interval = IntervalField(help_text="95%.")


class LeftOutShape(serializers.Serializer[Any]):
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


class UsersShape(serializers.Serializer[Any]):
    """Who is behind the figures."""

    used = serializers.IntegerField()
    deciding = serializers.IntegerField(
        help_text="Expected number of users that carry the uncertainty."
    )
    learned_from = serializers.IntegerField(
        help_text="Of those used, how many the version asked for may have learned from."
    )
    left_out = LeftOutShape()


class EvaluationShape(serializers.Serializer[Any]):
    """What the policy would have earned, beside what served did, on the same users."""

    optimization_id = serializers.UUIDField()
    metric_id = serializers.UUIDField()
    policy = PolicyField()
    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)
    estimators = EstimatorsShape(allow_null=True)
    served = EstimatorsShape(allow_null=True)
    difference = DifferenceShape(allow_null=True)
    users = UsersShape()
    unavailable = serializers.DictField(child=serializers.CharField())

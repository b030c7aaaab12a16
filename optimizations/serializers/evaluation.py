"""Requests for an off-policy evaluation."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import StrictIntegerField
from levered_site.api.serializers import StrictSerializer, describe_unknown_field
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.off_policy.policy_evaluation import (
    LARGEST_NUMBER,
    NAMED_POLICIES,
    NUMBERED_POLICIES,
    TARGET_POLICY_SCHEMA,
)


@extend_schema_field(TARGET_POLICY_SCHEMA)
class TargetPolicyField(serializers.Field[Any, Any, Any, Any]):
    """`{"variant": n}`, `{"version": n}`, `"without_context"` or `"candidate"`."""

    # Braces are doubled because the message is a format string.
    default_error_messages = {
        "policy": 'must be {{"variant": number}}, {{"version": number}}, '
        + " or ".join(f'"{name}"' for name in NAMED_POLICIES),
    }

    def to_internal_value(self, data: Any) -> tuple[str, int | None]:
        """Return the kind of policy, and its number if it has one."""
        if isinstance(data, str) and data in NAMED_POLICIES:
            return data, None
        if not isinstance(data, Mapping):
            self.fail("policy")
        unknown = {
            str(name)[:200]: [describe_unknown_field(name, NUMBERED_POLICIES)]
            for name in data
            if name not in NUMBERED_POLICIES
        }
        if unknown:
            raise serializers.ValidationError(unknown)
        if len(data) != 1:
            self.fail("policy")
        ((kind, number),) = data.items()
        minimum = 1 if kind == "variant" else 0
        field = StrictIntegerField(min_value=minimum, max_value=LARGEST_NUMBER)
        try:
            return kind, field.run_validation(number)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({kind: error.detail}) from error


class EvaluateSerializer(StrictSerializer):
    """Which policy to evaluate, and on which users."""

    policy = TargetPolicyField()
    from_version = StrictIntegerField(
        min_value=0,
        max_value=LARGEST_NUMBER,
        required=False,
        help_text="Use users first touched under this policy version or a later one. "
        "Default: 0; for a version, that version; for the candidate, its first version. A "
        "policy looks too good on users that it learned from.",
    )
    to_version = StrictIntegerField(
        min_value=0,
        max_value=LARGEST_NUMBER,
        required=False,
        help_text="Use users first touched under this policy version or an earlier one.",
    )

    def to_request(self) -> EvaluationRequest:
        """Return the validated request."""
        fields = self.validated_data
        kind, value = fields["policy"]
        return EvaluationRequest(
            kind, value, fields.get("from_version"), fields.get("to_version")
        )

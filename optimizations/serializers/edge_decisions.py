"""Decisions of clients and their receipts, for the API document.

`optimizations.serving.edge_batch` validates the decisions themselves.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from optimizations.serializers.events import RejectedEventSerializer
from optimizations.serving import edge_batch


@extend_schema_serializer(component_name="EdgeDecision")
class EdgeDecisionSerializer(serializers.Serializer[Any]):
    """What a client decided for a user."""

    anonymous_id = serializers.CharField(
        min_length=1, max_length=MAX_ANONYMOUS_ID_LENGTH
    )
    variant_number = serializers.IntegerField(
        min_value=1, max_value=edge_batch.MAX_VARIANT
    )
    policy_version = serializers.IntegerField(
        min_value=0, max_value=edge_batch.MAX_VERSION
    )
    context: Any = serializers.DictField(
        required=False,
        help_text="As in the decision. Only the configured factors are stored.",
    )
    timestamp = serializers.DateTimeField(
        required=False,
        help_text="When it was decided, with an offset. Default: now. At most "
        "`LATE_ARRIVAL_HOURS` (24) back.",
    )
    in_holdout = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="Default: by the percentage in force at that time.",
    )
    redraw = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=edge_batch.MAX_REDRAW,
        help_text="k for the k-th redraw of the user. Default: 0.",
    )


class DecisionBatchSerializer(serializers.Serializer[Any]):
    """A batch of decisions."""

    decisions = serializers.ListField(
        child=EdgeDecisionSerializer(),
        min_length=1,
        max_length=edge_batch.MAX_DECISIONS,
    )


class KeptAssignmentSerializer(serializers.Serializer[Any]):
    """A user who had an assignment before, and keeps it."""

    index = serializers.IntegerField()
    variant_number = serializers.IntegerField()
    in_holdout = serializers.BooleanField()
    policy_version = serializers.IntegerField()
    redraw = serializers.IntegerField()


class DecisionReceiptsSerializer(serializers.Serializer[Any]):
    """What happened to the decisions of a batch."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="The length of `kept`.")
    kept = KeptAssignmentSerializer(many=True)
    rejected = RejectedEventSerializer(many=True)

"""Ingestion requests and receipts, for the API document.

`optimizations.ingestion.events` validates the events themselves.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from levered_site.anonymous_ids import PLACEHOLDER_IDS
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH, MAX_IDEMPOTENCY_KEY_LENGTH
from optimizations.ingestion import events

ANONYMOUS_ID_HELP = (
    "One user. With a visible character, without control characters, not `.` or `..`, and none of "
    f"{', '.join(f'`{text}`' for text in sorted(PLACEHOLDER_IDS))}, which programs print "
    "for an id that they do not have."
)


@extend_schema_serializer(component_name="ExposureEvent")
class ExposureEventSerializer(serializers.Serializer[Any]):
    """A user saw a variant."""

    anonymous_id = serializers.CharField(
        min_length=1, max_length=MAX_ANONYMOUS_ID_LENGTH, help_text=ANONYMOUS_ID_HELP
    )
    optimization_id = serializers.UUIDField()
    variant = serializers.DictField(help_text="Every design factor and its level.")
    context: Any = serializers.DictField(
        required=False, help_text="Only the configured factors are stored."
    )
    timestamp = serializers.DateTimeField(
        required=False, help_text="With an offset. Default: now."
    )
    policy_version = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=2**31 - 1
    )
    idempotency_key = serializers.CharField(
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY_LENGTH,
    )


@extend_schema_serializer(component_name="RewardEvent")
class RewardEventSerializer(serializers.Serializer[Any]):
    """A user did something."""

    anonymous_id = serializers.CharField(
        min_length=1, max_length=MAX_ANONYMOUS_ID_LENGTH, help_text=ANONYMOUS_ID_HELP
    )
    name = serializers.CharField(min_length=1, max_length=events.MAX_NAME_LENGTH)
    value = serializers.FloatField(
        required=False,
        min_value=-events.MAX_ABSOLUTE_VALUE,
        max_value=events.MAX_ABSOLUTE_VALUE,
    )
    timestamp = serializers.DateTimeField(
        required=False, help_text="With an offset. Default: now."
    )
    optimization_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="Without it the reward is attributed by its name.",
    )
    properties = serializers.DictField(required=False, allow_null=True)
    idempotency_key = serializers.CharField(
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_IDEMPOTENCY_KEY_LENGTH,
    )


class ExposureBatchSerializer(serializers.Serializer[Any]):
    """A batch of exposures."""

    events = serializers.ListField(
        child=ExposureEventSerializer(), min_length=1, max_length=events.MAX_EVENTS
    )


class RewardBatchSerializer(serializers.Serializer[Any]):
    """A batch of rewards."""

    events = serializers.ListField(
        child=RewardEventSerializer(), min_length=1, max_length=events.MAX_EVENTS
    )


class RejectedEventSerializer(serializers.Serializer[Any]):
    """Why one event was not stored."""

    index = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_serializer(component_name="IngestReceipt")
class IngestReceiptSerializer(serializers.Serializer[Any]):
    """What happened to the events of a batch."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectedEventSerializer(many=True)

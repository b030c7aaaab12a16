"""Serializers of /audit: its query parameters and its entries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.api.fields import StrictCharField
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations import audit_log
from levered_site.organizations.models import AuditEntry

BEFORE_HELP = (
    "By field: its value before, of the fields that had one. Null for entries of earlier "
    "versions, which do not have it."
)
AFTER_HELP = (
    "By field: its value since then, and what the entry tells beside, such as the number "
    "of a variant. A field that stayed the same is in neither."
)


class AuditQuerySerializer(StrictSerializer):
    """The query parameters of the audit log, all optional."""

    target_type = serializers.ChoiceField(
        choices=tuple(audit_log.LABELS),
        required=False,
        help_text="The kind of what was changed.",
    )
    target_id = StrictCharField(
        max_length=64,
        required=False,
        help_text="The id of what was changed. Variants, notes and candidates are part "
        "of their optimization.",
    )
    action = StrictCharField(
        max_length=64,
        required=False,
        help_text="Such as `optimization.ship`, or `optimization` for all of these.",
    )
    actor = StrictCharField(
        max_length=160,
        required=False,
        help_text="Who did it: an id, or a kind and an id, as `user:user_alice`.",
    )
    since = serializers.DateTimeField(
        required=False, help_text="From this moment on. A day begins at midnight UTC."
    )
    until = serializers.DateTimeField(
        required=False, help_text="Before this moment. A day begins at midnight UTC."
    )


class AuditActorSerializer(serializers.Serializer[AuditEntry]):
    """Who did it."""

    kind = serializers.CharField(
        source="actor_kind",
        help_text="`user` (a member), `key`, `staff`, `system` or `public`.",
    )
    id = serializers.CharField(source="actor_id")


class AuditTargetSerializer(serializers.Serializer[AuditEntry]):
    """What was changed, with the name that it had then."""

    type = serializers.SerializerMethodField()
    id = serializers.CharField(source="target_id")
    name = serializers.CharField(source="target_name")

    def get_type(self, entry: AuditEntry) -> str:
        """Return the kind, as paths of the API call it."""
        return audit_log.name_target(entry)


class AuditEntrySerializer(serializers.Serializer[AuditEntry]):
    """Who changed what, and the values before and after."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = AuditActorSerializer(source="*")
    target = AuditTargetSerializer(source="*")
    before = serializers.SerializerMethodField(help_text=BEFORE_HELP)
    after = serializers.SerializerMethodField(help_text=AFTER_HELP)
    request_id = serializers.CharField(
        help_text="Of the request that did it, or empty."
    )
    unavailable = serializers.SerializerMethodField(help_text="Why `before` is null.")

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_before(self, entry: AuditEntry) -> Any:
        """Return the values before."""
        return audit_log.read_change(entry).before

    @extend_schema_field(serializers.DictField())
    def get_after(self, entry: AuditEntry) -> Any:
        """Return the values after."""
        return audit_log.read_change(entry).after

    def get_unavailable(self, entry: AuditEntry) -> dict[str, str]:
        """Return why the values before are not known."""
        is_known = audit_log.read_change(entry).before is not None
        return {} if is_known else {"before": audit_log.NOT_RECORDED}

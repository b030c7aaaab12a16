"""Rows of the audit log's download: the API's columns, and their codes in words."""

from typing import Any

from rest_framework import serializers

from levered_site.organizations import audit_changes, audit_words
from levered_site.organizations.audit_serializers import AuditEntrySerializer
from levered_site.organizations.models import AuditEntry


class WordedEntrySerializer(AuditEntrySerializer):
    """A row of the download: the API's columns, and their codes in words."""

    action_in_words = serializers.SerializerMethodField()
    actor_in_words = serializers.SerializerMethodField()
    changes_in_words = serializers.SerializerMethodField()

    def get_action_in_words(self, entry: AuditEntry) -> str:
        """Return what happened."""
        return audit_words.describe_action(entry.action)

    def get_actor_in_words(self, entry: AuditEntry) -> str:
        """Return who did it."""
        return describe_actor(entry)

    def get_changes_in_words(self, entry: AuditEntry) -> str:
        """Return each field with what it was and what it is."""
        return "; ".join(map(str, audit_changes.list_changes(entry)))


def describe_actor(entry: Any) -> str:
    """Return who did it, of an entry that the page has read."""
    labels = {entry.actor_id: entry.key_label} if entry.key_label else {}
    return audit_words.describe_actor(entry.actor_kind, entry.actor_id, labels)

"""The admin page of the audit log: who changed what, in words, with the codes beside."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.api.csv_sections import RowSection
from levered_site.organizations import audit_changes, audit_log, audit_words
from levered_site.organizations.admin.csv_lists import CsvListMixin
from levered_site.organizations.admin.entry_serializers import (
    WordedEntrySerializer,
    describe_actor,
)
from levered_site.organizations.models import ApiKey, AuditEntry

NO_CHANGE = "The entry tells no values: its action says what happened."


class WordsFilter(admin.SimpleListFilter):
    """A filter by a column of codes, which offers words."""

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = self.value()
        return queryset if code is None else queryset.filter(**{self.field: code})

    @property
    def field(self) -> str:
        """The column: an address may name it, as those of Django's own filters do."""
        return str(self.parameter_name).removesuffix("__exact")


class ActionFilter(WordsFilter):
    """Keep the entries of one action."""

    title = "what happened"
    parameter_name = "action__exact"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return sorted(audit_words.ACTION_WORDS.items(), key=lambda pair: pair[1])


class ActorKindFilter(WordsFilter):
    """Keep the entries of one kind of actor."""

    title = "who"
    parameter_name = "actor_kind__exact"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return tuple(audit_words.KIND_WORDS.items())


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin, CsvListMixin):
    """The audit log: who changed what, and as which kind of actor."""

    list_display = ("created_at", "what", "target", "actor", "organization")
    list_filter = (("organization", VisibleRowsFilter), ActorKindFilter, ActionFilter)
    list_select_related = ("organization",)
    search_fields = ("target_id", "target_name", "actor_id", "action", "request_id")
    search_help_text = "A name or id of what was changed, of who did it, or a code."
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("created_at", "organization"),
                    ("what", "actor"),
                    "target",
                    "change_list",
                )
            },
        ),
        (
            "As recorded",
            {
                "fields": (
                    ("action", "actor_code"),
                    ("before_json", "changes_json"),
                    "request_id",
                ),
                "description": "The codes by which the API names it.",
            },
        ),
    )
    ordering = ("-created_at", "-id")
    csv_section = RowSection("audit_entries", WordedEntrySerializer)

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the labels of the keys that acted."""
        keys = ApiKey.objects.filter(organization=OuterRef("organization"))
        named = keys.annotate(text=Cast("pk", TextField())).filter(
            text=OuterRef("actor_id")
        )
        rows = super().get_queryset(request)
        return rows.annotate(key_label=Subquery(named.values("label")[:1]))

    @declare_column("What", order="action")
    def what(self, entry: AuditEntry) -> str:
        """Return what happened."""
        return audit_words.describe_action(entry.action)

    @declare_column("Who", order="actor_id")
    def actor(self, entry: AuditEntry) -> str:
        """Return who did it."""
        return describe_actor(entry)

    @declare_column("Actor")
    def actor_code(self, entry: AuditEntry) -> str:
        """Return the kind and the id of the actor."""
        return f"{entry.actor_kind}:{entry.actor_id}"

    @declare_column("On")
    def target(self, entry: AuditEntry) -> str:
        """Return what was changed: its kind, and its name or id."""
        kind = audit_words.describe_target_kind(audit_log.name_target(entry))
        name = entry.target_name or entry.target_id
        return f"{kind}: {name}" if name else kind

    @declare_column("What changed")
    def change_list(self, entry: AuditEntry) -> SafeString | str:
        """Return each field with what it was and what it is."""
        changes = audit_changes.list_changes(entry)
        return render_changes(changes) if changes else NO_CHANGE

    @declare_column("Before")
    def before_json(self, entry: AuditEntry) -> SafeString | str:
        """Return the value of each changed field before, if it is known."""
        before = audit_log.read_change(entry).before
        return html.render_json(before) if before else html.NO_VALUE

    @declare_column("Changes")
    def changes_json(self, entry: AuditEntry) -> SafeString:
        """Return the new value of each changed field."""
        return html.render_json(audit_log.read_change(entry).after)


def render_changes(changes: Sequence[audit_changes.FieldChange]) -> SafeString:
    """Return the fields that changed as a list."""
    text = render_to_string("levered_admin/audit_changes.html", {"changes": changes})
    return format_html("{}", text)

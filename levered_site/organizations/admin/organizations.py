"""Staff pages of organizations and their members."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import EditableAdmin, ReadOnlyAdmin
from levered_site.organizations import audit
from levered_site.organizations.admin.staff_actor import get_staff_actor
from levered_site.organizations.models import (
    ApiKey,
    Member,
    Organization,
)


@admin.register(Organization)
class OrganizationAdmin(EditableAdmin):
    """Teams. One that holds a valid token makes itself; staff may make one before."""

    list_display = ("name", "id", "members", "keys", "created_at")
    search_fields = ("id", "name")
    readonly_fields = ("created_at",)
    ordering = ("name",)

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                members_count=Count("members", distinct=True),
                keys_count=Count(
                    "api_keys", filter=Q(api_keys__revoked_at=None), distinct=True
                ),
            )
        )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("organizations.add_organization"))

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An id is in tokens and in every row: it never changes."""
        return ("id", "created_at") if obj else ("created_at",)

    @override
    def save_model(
        self, request: HttpRequest, obj: Organization, form: Any, change: bool
    ) -> None:
        """Write the row and who did it, together (the admin opens a transaction)."""
        obj.save()
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        verb = "organization.update" if change else "organization.create"
        audit.record(obj.pk, get_staff_actor(request), verb, obj, changes)

    @declare_column("Members", order="members_count")
    def members(self, organization: Any) -> SafeString:
        """How many members were seen, and the way to them."""
        return html.render_list_link(
            Member, organization.members_count, organization__id__exact=organization.pk
        )

    @declare_column("Active keys", order="keys_count")
    def keys(self, organization: Any) -> SafeString:
        """How many keys still open the door, and the way to them."""
        return html.render_list_link(
            ApiKey, organization.keys_count, organization__id__exact=organization.pk
        )


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    """People seen with a token; their roles are the token issuer's."""

    list_display = ("user_id", "organization", "role_mark", "last_seen_at")
    list_filter = (("organization", AutocompleteSelectFilter), "role")
    list_select_related = ("organization",)
    search_fields = ("user_id", "organization__name")

    @declare_column("Role", order="role", pills=True)
    def role_mark(self, member: Member) -> str:
        """The role that the last token named."""
        return member.role

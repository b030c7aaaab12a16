"""Admin pages of organizations and their members."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import EditableAdmin, ReadOnlyAdmin
from levered_site.organizations import audit
from levered_site.organizations.admin.scope import OrganizationAdminMixin
from levered_site.organizations.admin.staff_actor import (
    get_staff_actor,
    get_staff_roles,
)
from levered_site.organizations.models import ApiKey, Member, Organization


@admin.register(Organization)
class OrganizationAdmin(EditableAdmin, OrganizationAdminMixin):
    """Teams. A valid token creates its organization; staff may create it earlier."""

    organization_path = "id"
    change_role = "owner"

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
        return get_staff_roles(request).is_superuser

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the id read-only: tokens and all rows refer to it."""
        return ("id", "created_at") if obj else ("created_at",)

    @override
    def save_model(
        self, request: HttpRequest, obj: Organization, form: Any, change: bool
    ) -> None:
        """Save the row and its audit entry in the transaction that the admin opens."""
        obj.save()
        names = form.changed_data
        changes = {name: form.cleaned_data[name] for name in names}
        before = {name: form.initial[name] for name in names} if change else {}
        action = "organization.update" if change else "organization.create"
        actor = get_staff_actor(request)
        audit.record(obj.pk, actor, action, obj, changes, before=before)

    @declare_column("Members", order="members_count")
    def members(self, organization: Any) -> SafeString:
        """Return the number of members, linked to their list."""
        return html.render_list_link(
            Member, organization.members_count, organization__id__exact=organization.pk
        )

    @declare_column("Active keys", order="keys_count")
    def keys(self, organization: Any) -> SafeString:
        """Return the number of active keys, linked to their list."""
        return html.render_list_link(
            ApiKey, organization.keys_count, organization__id__exact=organization.pk
        )


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """People who have sent a token; the token issuer sets their roles."""

    list_display = ("user_id", "organization", "last_role", "last_seen_at")
    list_filter = (("organization", VisibleRowsFilter), "role")
    list_select_related = ("organization",)
    search_fields = ("user_id", "organization__name")

    @declare_column("Role", order="role", pills=True)
    def last_role(self, member: Member) -> str:
        """Return the role in the member's last token."""
        return member.role

"""Admin pages of staff memberships: who may see and change which organization."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import EditableAdmin
from levered_site.organizations import staff_memberships
from levered_site.organizations.admin.membership_forms import NewMembershipForm
from levered_site.organizations.admin.scope import OrganizationAdminMixin
from levered_site.organizations.admin.staff_actor import (
    get_staff_actor,
    get_staff_roles,
)
from levered_site.organizations.models import StaffMembership


def _remove(membership: StaffMembership, request: HttpRequest) -> None:
    staff_memberships.remove_membership(
        membership,
        get_staff_actor(request),
        may_orphan=get_staff_roles(request).is_superuser,
    )


@admin.register(StaffMembership)
class StaffMembershipAdmin(AdminActionsMixin, EditableAdmin, OrganizationAdminMixin):
    """Roles of staff in organizations, which superusers and owners give and take away."""

    change_role = "owner"
    list_display = ("username", "organization", "role_name", "created_at")
    list_filter = (("organization", VisibleRowsFilter), "role")
    list_select_related = ("organization", "user")
    search_fields = ("user__username", "organization__name", "organization__id__exact")
    ordering = ("organization__name", "user__username")
    readonly_fields = ("username", "organization", "created_at", "updated_at")
    fields = (
        ("username", "organization"),
        "role",
        ("created_at", "updated_at"),
    )
    admin_actions = (
        AdminAction(
            name="remove",
            title="Remove",
            confirmation_text="The user does not see the organization any more.",
            success_message="Removed: {}",
            run=_remove,
            icon="person_remove",
            variant=ActionVariant.DANGER,
            confirm_selection=True,
            role="owner",
        ),
    )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_role(request, "owner")

    @override
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("username", "organization", "role")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make user and organization read-only once they are given."""
        return self.readonly_fields if obj else ()

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Ask for the name of the user where a membership is added."""
        if obj is None:
            options["form"] = NewMembershipForm
        return super().get_form(request, obj, change, **options)

    @override
    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        """Give the role, or change it."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.user = form.cleaned_data["username"]
        membership = staff_memberships.grant_role(
            obj.organization, obj.user, obj.role, get_staff_actor(request)
        )
        obj.pk = membership.pk

    @override
    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Change the role; only superusers take it from the last owner."""
        staff_memberships.change_role(
            obj,
            changes["role"],
            get_staff_actor(request),
            may_orphan=get_staff_roles(request).is_superuser,
        )

    @declare_column("User", order="user__username")
    def username(self, membership: StaffMembership) -> str:
        """Return the name of the user, whose page not everybody may open."""
        return membership.user.get_username()

    @declare_column("Role", order="role", pills=True)
    def role_name(self, membership: StaffMembership) -> str:
        """Return the role."""
        return membership.role

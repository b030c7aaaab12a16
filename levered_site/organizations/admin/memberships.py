"""Admin pages of staff memberships: who may see and change which organization."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import set_password
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.creation import CreatableAdmin, Secret, attach_secret
from levered_site.admin.filters import VisibleRowsFilter
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


LINK_LABEL = "The link to set a password"
LINK_ADVICE = (
    "Give it to the person. It works once, for three days; after that a superuser sets "
    "the password under Users."
)
ADD_LAYOUT = (
    (
        None,
        {"fields": (("username", "is_invited"), "email", ("organization", "role"))},
    ),
)


@admin.register(StaffMembership)
class StaffMembershipAdmin(AdminActionsMixin, CreatableAdmin, OrganizationAdminMixin):
    """Roles of staff in organizations, which superusers and owners give and take away."""

    create_role = change_role = "owner"
    new_title = "Give a role, or invite somebody"
    add_form = NewMembershipForm
    add_fieldsets = ADD_LAYOUT
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
            question=lambda member: f"Remove {member.user} from {member.organization}?",
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
    def create_object(self, request: HttpRequest, form: Any) -> StaffMembership:
        """Give a role to a user, or invite one."""
        actor, given = get_staff_actor(request), form.cleaned_data
        organization, role = given["organization"], given["role"]
        if form.user is not None:
            return staff_memberships.grant_role(organization, form.user, role, actor)
        membership = staff_memberships.invite_user(
            organization, given["username"], given["email"], role, actor
        )
        page = self.admin_site.get_model_admin(type(membership.user))
        page.log_addition(request, membership.user, [{"added": {}}])
        link = set_password.build_link(request, membership.user)
        title = f"Invited: {membership.user.get_username()}"
        attach_secret(membership, Secret(title, LINK_LABEL, link, LINK_ADVICE))
        return membership

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

"""What a staff user may see and do: a role in each of their organizations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet

from levered_site.organizations.models import StaffMembership

RoleName = Literal["viewer", "editor", "owner"]
# Who has a role may do what those before it may.
RANKS: Final[Mapping[str, int]] = {"viewer": 0, "editor": 1, "owner": 2}

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class StaffRoles:
    """The roles of a staff user by the organization's id; superusers have all of them."""

    is_superuser: bool
    by_organization: Mapping[str, str]

    def has_anywhere(self, role: RoleName) -> bool:
        """Return whether the user has the role, or a higher one, in an organization."""
        return self.is_superuser or bool(self.list_organizations(role))

    def has_in(self, role: str, organization_id: str | None) -> bool:
        """Return whether the user has the role, or a higher one, in the organization.

        None is the installation itself: what belongs to no organization is for
        superusers.
        """
        if self.is_superuser:
            return True
        held = self.by_organization.get(organization_id or "")
        return held is not None and RANKS[held] >= RANKS[role]

    def list_organizations(self, role: RoleName = "viewer") -> list[str]:
        """Return the ids of the organizations with this role; none for superusers."""
        ids = self.by_organization
        return sorted(
            organization for organization in ids if self.has_in(role, organization)
        )

    def restrict_rows(
        self, rows: "QuerySet[Row]", path: str, role: RoleName = "viewer"
    ) -> "QuerySet[Row]":
        """Return the rows of organizations in which the user has the role.

        `path` is the lookup of an organization's id, as in "model__organization_id".
        """
        if self.is_superuser:
            return rows
        lookup: dict[str, Any] = {f"{path}__in": self.list_organizations(role)}
        return rows.filter(**lookup)


def load_staff_roles(user: User | AnonymousUser) -> StaffRoles:
    """Return the roles of a user; none of somebody who is no active staff."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return StaffRoles(is_superuser=False, by_organization={})
    return load_granted_roles(user)


def load_granted_roles(user: User) -> StaffRoles:
    """Return the roles of a user, also while the account may not be used."""
    if user.is_superuser:
        return StaffRoles(is_superuser=True, by_organization={})
    memberships = StaffMembership.objects.filter(user=user)
    pairs = memberships.values_list("organization_id", "role")
    return StaffRoles(is_superuser=False, by_organization=dict(pairs.order_by()))


def is_above(roles: StaffRoles, others: StaffRoles) -> bool:
    """Return whether `roles` hold a role, or a higher one, that `others` lack."""
    if others.is_superuser:
        return False
    return roles.is_superuser or any(
        not others.has_in(role, organization_id)
        for organization_id, role in roles.by_organization.items()
    )

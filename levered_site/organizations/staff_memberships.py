"""Give, change and take away roles of staff users, each with its audit entry."""

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import Organization, StaffMembership

Role = StaffMembership.Role
LAST_OWNER_MESSAGE = (
    "{user} is the last owner of {organization}: make somebody else an owner first, or "
    "ask a superuser."
)


def grant_role(
    organization: Organization, user: User, role: str, actor: Actor
) -> StaffMembership:
    """Give a user a role in an organization and return the membership.

    Raises:
        ConflictError: the user has a role there already.
    """
    with transaction.atomic():
        membership, is_new = StaffMembership.objects.get_or_create(
            organization=organization, user=user, defaults={"role": role}
        )
        if not is_new:
            raise ConflictError(
                f"{user.get_username()} is {membership.role} of {organization} already: "
                "change that membership."
            )
        _record(membership, actor, "create", role)
    return membership


def change_role(
    membership: StaffMembership, role: str, actor: Actor, *, may_orphan: bool
) -> None:
    """Change the role of a membership.

    Raises:
        ConflictError: it is the last owner's, and `may_orphan` is false.
    """
    with transaction.atomic():
        if role != Role.OWNER:
            _keep_an_owner(membership, may_orphan=may_orphan)
        before = {"role": membership.role}
        membership.role = role
        membership.save(update_fields=["role", "updated_at"])
        _record(membership, actor, "update", role, before)


def remove_membership(
    membership: StaffMembership, actor: Actor, *, may_orphan: bool
) -> None:
    """Take away a user's role in an organization.

    Raises:
        ConflictError: it is the last owner's, and `may_orphan` is false.
    """
    with transaction.atomic():
        _keep_an_owner(membership, may_orphan=may_orphan)
        _record(membership, actor, "delete", None, {"role": membership.role})
        membership.delete()


def _keep_an_owner(membership: StaffMembership, *, may_orphan: bool) -> None:
    """Raise ConflictError if nobody else owns the organization.

    Owners who cannot log in do not count. Lock the organization first: two owners may
    take each other's role at once.
    """
    if may_orphan:
        return
    organizations = Organization.objects.select_for_update(no_key=True)
    organization = organizations.get(pk=membership.organization_id)
    owners = organization.staff_memberships.filter(
        role=Role.OWNER, user__is_active=True, user__is_staff=True
    )
    owner_keys = set(owners.values_list("pk", flat=True))
    if owner_keys == {membership.pk}:
        user = membership.user.get_username()
        raise ConflictError(
            LAST_OWNER_MESSAGE.format(user=user, organization=organization)
        )


def _record(
    membership: StaffMembership,
    actor: Actor,
    verb: str,
    role: str | None,
    before: Mapping[str, str] = audit.NOTHING,
) -> None:
    changes = {"user": membership.user.get_username(), "role": role}
    action = f"staff_membership.{verb}"
    organization_id = membership.organization_id
    audit.record(organization_id, actor, action, membership, changes, before=before)

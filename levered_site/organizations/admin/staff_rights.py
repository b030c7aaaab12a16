"""Whom a staff user may touch: nobody, and no group, with rights or roles they lack.

Else a user who may change users would take over an account with more rights, by its
password or its address, or take it away.
"""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

from levered_site.organizations import staff_roles


def is_user_above(target: User, actor: User) -> bool:
    """Return whether a user has rights, or a role in an organization, the actor lacks.

    Rights of a user who is not active count too: the account may become active again.
    """
    if actor.is_superuser or target.pk == actor.pk:
        return False
    missing = _select_rights(target).exclude(pk__in=_select_rights(actor))
    if target.is_superuser or missing.exists():
        return True
    return staff_roles.is_above(
        staff_roles.load_granted_roles(target), staff_roles.load_granted_roles(actor)
    )


def is_group_above(group: Group, actor: User) -> bool:
    """Return whether a group, or one of its members, has rights that the actor lacks."""
    if actor.is_superuser:
        return False
    missing = group.permissions.exclude(pk__in=_select_rights(actor))
    return missing.exists() or any(
        is_user_above(member, actor) for member in group.user_set.all()
    )


def _select_rights(user: User) -> QuerySet[Permission]:
    """Return the rights of a user, their own and those of their groups."""
    return Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()

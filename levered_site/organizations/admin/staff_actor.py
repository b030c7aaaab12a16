"""The staff user of an admin request: as an actor, and with their roles."""

from django.http import HttpRequest

from levered_site.organizations.actors import Actor
from levered_site.organizations.staff_roles import StaffRoles, load_staff_roles

_ROLES_KEY = "levered.staff_roles"  # in request.META: read once per request


def get_staff_actor(request: HttpRequest) -> Actor:
    """Return the staff user of the request as an actor of the audit log."""
    return Actor("staff", request.user.get_username())


def get_staff_roles(request: HttpRequest) -> StaffRoles:
    """Return the roles of the staff user of the request, by organization."""
    user = request.user
    stored = request.META.get(_ROLES_KEY)
    if stored is None or stored[0] != user.pk:  # a log-in changes the user
        stored = request.META[_ROLES_KEY] = (user.pk, load_staff_roles(user))
    roles: StaffRoles = stored[1]
    return roles

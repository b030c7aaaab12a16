"""The staff user of an admin request as an actor."""

from django.http import HttpRequest

from levered_site.organizations.actors import Actor


def get_staff_actor(request: HttpRequest) -> Actor:
    """Return the staff user of the request as an actor of the audit log."""
    return Actor("staff", request.user.get_username())

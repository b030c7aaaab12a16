"""Which member of staff asks."""

from django.http import HttpRequest

from levered_site.organizations.actors import Actor


def get_staff_actor(request: HttpRequest) -> Actor:
    """Name the member of staff who asks, as the audit log will."""
    return Actor("staff", request.user.get_username())

"""Who may: members read and work, admins decide."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from levered_site.organizations.actors import Caller, KeyHolder


class IsMember(BasePermission):
    """Anybody of the organization."""

    message = "You may not do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Whether a bearer token of an organization was given."""
        return isinstance(request.user, Caller)


class IsAdmin(IsMember):
    """Admins of the organization."""

    message = "Only an admin of the organization may do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Whether the token's role is admin."""
        return isinstance(request.user, Caller) and request.user.is_admin


class HasApiKey(BasePermission):
    """A program with an API key; the authentication has refused everybody else."""

    def has_permission(self, request: Request, _view: object) -> bool:
        """Whether a key was given."""
        return isinstance(request.user, KeyHolder)


def require_admin_for(*actions: str) -> type[BasePermission]:
    """Make a permission: admins for these actions of a viewset, members otherwise."""

    class AdminForActions(IsMember):
        message = IsAdmin.message

        def has_permission(self, request: Request, view: object) -> bool:
            if getattr(view, "action", None) in actions:
                return IsAdmin().has_permission(request, view)
            return super().has_permission(request, view)

    return AdminForActions

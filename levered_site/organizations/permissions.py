"""Permissions: members, admins, API keys."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from levered_site.organizations.actors import Caller, KeyHolder


class IsMember(BasePermission):
    """Allow every member of the organization."""

    message = "You may not do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the request has a bearer token of an organization."""
        return isinstance(request.user, Caller)


class IsAdmin(IsMember):
    """Allow admins of the organization."""

    message = "Only an admin of the organization may do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the token's role is admin."""
        return isinstance(request.user, Caller) and request.user.is_admin


class HasApiKey(BasePermission):
    """Allow programs with an API key; authentication rejects everyone else first."""

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the request has an API key."""
        return isinstance(request.user, KeyHolder)


def require_admin_for(*actions: str) -> type[BasePermission]:
    """Return a permission: admins for these viewset actions, members for all others."""

    class AdminForActions(IsMember):
        message = IsAdmin.message

        def has_permission(self, request: Request, view: object) -> bool:
            if getattr(view, "action", None) in actions:
                return IsAdmin().has_permission(request, view)
            return super().has_permission(request, view)

    return AdminForActions

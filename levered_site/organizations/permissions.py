"""Permissions: what members, admins and API keys may do, decided in one place.

A key has no more than a member's rights. On an endpoint that says nothing else it needs
the scope `read` to read and `write` for everything else.
"""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from levered_site.errors import ForbiddenError
from levered_site.organizations import scopes
from levered_site.organizations.actors import Caller, KeyHolder

KEYS_ARE_NO_ADMINS = "Only an admin of the organization may do this, with a bearer token: no API key may."


class IsMember(BasePermission):
    """Allow every member of the organization, and keys with `read` or `write`."""

    message = "You may not do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the request has a token of an organization, or such a key.

        Raises:
            ForbiddenError: the key lacks the scope.
        """
        if isinstance(request.user, KeyHolder):
            is_reading = request.method in SAFE_METHODS
            scopes.require_scope(
                request.user, scopes.READ if is_reading else scopes.WRITE
            )
            return True
        return isinstance(request.user, Caller)

    def accepts_keys(self, _view: object) -> bool:
        """Return whether API keys may use the view; read by levered_site.api.openapi."""
        return True


class IsKnown(IsMember):
    """Allow everybody with valid credentials, keys of any scope included."""

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the request has a token of an organization, or a key."""
        return isinstance(request.user, Caller | KeyHolder)


class IsAdmin(IsMember):
    """Allow admins of the organization."""

    message = "Only an admin of the organization may do this."

    def has_permission(self, request: Request, _view: object) -> bool:
        """Return whether the token's role is admin.

        Raises:
            ForbiddenError: the request has a key, which is never an admin's.
        """
        if isinstance(request.user, KeyHolder):
            raise ForbiddenError(KEYS_ARE_NO_ADMINS)
        return isinstance(request.user, Caller) and request.user.is_admin

    def accepts_keys(self, _view: object) -> bool:
        """Return False: no key has an admin's rights."""
        return False


def require_admin_for(*actions: str) -> type[BasePermission]:
    """Return a permission: admins for these viewset actions, members for all others."""

    class AdminForActions(IsMember):
        message = IsAdmin.message

        def has_permission(self, request: Request, view: object) -> bool:
            if self._is_for_admins(view):
                return IsAdmin().has_permission(request, view)
            return super().has_permission(request, view)

        def accepts_keys(self, view: object) -> bool:
            return not self._is_for_admins(view)

        def _is_for_admins(self, view: object) -> bool:
            return getattr(view, "action", None) in actions

    return AdminForActions


def require_key_scope(scope: str) -> type[BasePermission]:
    """Return a permission for endpoints of programs: keys with this scope only."""

    class HasKeyScope(BasePermission):
        def has_permission(self, request: Request, _view: object) -> bool:
            if not isinstance(request.user, KeyHolder):
                return False
            scopes.require_scope(request.user, scope)
            return True

    return HasKeyScope

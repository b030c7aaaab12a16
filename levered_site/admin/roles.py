"""The base class of pages whose rights are roles: who views, changes and owns rows."""

from typing import Any, ClassVar, Literal, NoReturn

from django.http import Http404, HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin

RoleName = Literal["viewer", "editor", "owner"]


class RoleAdmin(ModelAdmin):
    """A page that takes a role instead of Django's permissions.

    A page says in `has_role` who has one; without it nobody gets past an error.
    """

    change_role: ClassVar[RoleName] = "editor"

    def has_role(self, request: HttpRequest, role: RoleName, obj: Any = None) -> bool:
        """Return whether the user has the role for `obj`, or for any row without it."""
        raise NotImplementedError

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may view any row."""
        return self.has_view_permission(request)

    @override
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user is a viewer, or more."""
        return self.has_role(request, "viewer", obj)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change rows."""
        return self.has_role(request, self.change_role)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user has the role that changing takes."""
        return self.has_role(request, self.change_role, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user is an owner."""
        return self.has_role(request, "owner", obj)

    @override
    def _get_obj_does_not_exist_redirect(self, *_args: Any) -> NoReturn:
        """Raise Http404 where Django redirects: the row is gone, or somebody else's."""
        raise Http404

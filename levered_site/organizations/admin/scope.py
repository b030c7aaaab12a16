"""The one place that scopes the admin: rows of the organizations a user has a role in."""

from functools import reduce
from typing import Any, ClassVar

from django.contrib.admin.exceptions import NotRegistered
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from levered_site.admin.roles import RoleAdmin, RoleName
from levered_site.organizations.admin.staff_actor import get_staff_roles


class OrganizationAdminMixin(RoleAdmin):
    """A page of rows that belong to organizations; last of a page's bases.

    Django and Unfold read lists, pages, history, actions, search and autocomplete through
    `get_queryset`, and the choices of a form through `get_field_queryset`.
    """

    # The lookup that leads from a row to the id of its organization.
    organization_path: ClassVar[str] = "organization_id"

    @override
    def has_role(self, request: HttpRequest, role: RoleName, obj: Any = None) -> bool:
        """Return whether the user has the role in the organization of `obj`.

        Without `obj`: in any organization.
        """
        roles = get_staff_roles(request)
        if obj is None:
            return roles.has_anywhere(role)
        if roles.is_superuser:
            return True
        names = self.organization_path.split("__")
        return roles.has_in(role, reduce(getattr, names, obj))

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows that the user may view."""
        rows = super().get_queryset(request)
        return get_staff_roles(request).restrict_rows(rows, self.organization_path)

    @override
    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> Any:
        """Return the choices of a field: rows of organizations that the user may change."""
        rows = super().get_field_queryset(db, db_field, request)
        roles = get_staff_roles(request)
        if roles.is_superuser:
            return rows
        related = db_field.remote_field.model
        if rows is None:
            rows = related._default_manager.all()
        return self._restrict_choices(request, rows)

    def _restrict_choices(self, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        try:
            page = self.admin_site.get_model_admin(rows.model)
        except NotRegistered:
            return rows.none()
        if not isinstance(page, OrganizationAdminMixin):
            return rows.none()
        return get_staff_roles(request).restrict_rows(
            rows, page.organization_path, self.change_role
        )

"""Admin pages: organizations, members, API keys, the audit log, memberships, staff accounts."""

from levered_site.organizations.admin import (
    access,
    audit_entries,
    memberships,
    organizations,
    staff,
)
from levered_site.organizations.admin.csv_lists import CsvListMixin
from levered_site.organizations.admin.scope import OrganizationAdminMixin
from levered_site.organizations.admin.staff_actor import (
    get_staff_actor,
    get_staff_roles,
)

__all__ = [
    "CsvListMixin",
    "OrganizationAdminMixin",
    "access",
    "audit_entries",
    "get_staff_actor",
    "get_staff_roles",
    "memberships",
    "organizations",
    "staff",
]

"""Admin pages: organizations, members, API keys, the audit log, staff accounts."""

from levered_site.organizations.admin import access, organizations, staff
from levered_site.organizations.admin.staff_actor import get_staff_actor

__all__ = ["access", "get_staff_actor", "organizations", "staff"]

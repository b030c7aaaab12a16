"""Staff pages: organizations, members, keys, the audit log, and the staff themselves."""

from levered_site.organizations.admin import access, staff, teams
from levered_site.organizations.admin.asking import actor

__all__ = ["access", "actor", "staff", "teams"]

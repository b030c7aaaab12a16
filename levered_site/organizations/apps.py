"""The Django app config of organizations."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """The app of organizations, their members and keys."""

    name = "levered_site.organizations"
    label = "organizations"
    verbose_name = "Organizations"

"""The app as Django sees it."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """Name and title."""

    name = "levered_site.organizations"
    label = "organizations"
    verbose_name = "Organizations"

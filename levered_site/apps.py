"""The house as Django sees it; loads the system checks."""

from django.apps import AppConfig

from levered_site import checks

__all__ = ["SiteConfig", "checks"]


class SiteConfig(AppConfig):
    """Name and title."""

    name = "levered_site"
    verbose_name = "Levered"

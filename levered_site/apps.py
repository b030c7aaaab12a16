"""The Django app config of the site; it registers the system checks."""

from django.apps import AppConfig

from levered_site import checks

__all__ = ["SiteConfig", "checks"]


class SiteConfig(AppConfig):
    """The site: settings, API conventions, shared admin."""

    name = "levered_site"
    verbose_name = "Levered"

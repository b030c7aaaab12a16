"""The Django app config of the site; it registers the system checks."""

from django.apps import AppConfig

from levered_site import checks
from levered_site.api import path_converters

__all__ = ["SiteConfig", "checks"]


class SiteConfig(AppConfig):
    """The site: settings, API conventions, shared admin."""

    name = "levered_site"
    verbose_name = "Levered"

    def ready(self) -> None:
        """Register the path converters before the URLconf is read."""
        path_converters.register_path_converters()

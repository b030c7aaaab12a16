"""The app as Django sees it; loads the system checks."""

from django.apps import AppConfig

from warehouse import checks

__all__ = ["WarehouseConfig", "checks"]


class WarehouseConfig(AppConfig):
    """Name and title."""

    name = "warehouse"
    verbose_name = "Warehouse"

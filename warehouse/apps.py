"""The Django app; importing it registers the system checks."""

from django.apps import AppConfig

from warehouse import checks

__all__ = ["WarehouseConfig", "checks"]


class WarehouseConfig(AppConfig):
    """Configuration of the app."""

    name = "warehouse"
    verbose_name = "Warehouse"

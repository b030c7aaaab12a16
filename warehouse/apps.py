"""The app as Django sees it."""

from django.apps import AppConfig


class WarehouseConfig(AppConfig):
    """Name and title."""

    name = "warehouse"
    verbose_name = "Warehouse"

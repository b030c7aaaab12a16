"""The app as Django sees it."""

from django.apps import AppConfig


class OptimizationsConfig(AppConfig):
    """Name and title."""

    name = "optimizations"
    verbose_name = "Optimizations"

"""The Django app configuration."""

from django.apps import AppConfig


class OptimizationsConfig(AppConfig):
    """Configuration of the optimizations app."""

    name = "optimizations"
    verbose_name = "Optimizations"

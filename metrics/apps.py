"""The app as Django sees it."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    """Name and title."""

    name = "metrics"
    verbose_name = "Metrics"

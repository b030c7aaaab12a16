"""The app as Django sees it."""

from django.apps import AppConfig


class ModelsAppConfig(AppConfig):
    """Name and title."""

    name = "models_app"
    verbose_name = "Models"

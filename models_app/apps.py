"""Django's configuration of the app."""

from django.apps import AppConfig


class ModelsAppConfig(AppConfig):
    """Name and title of the app."""

    name = "models_app"
    verbose_name = "Models"

"""After what is served changed: those who published figures of it are told."""

from django.conf import settings
from django.utils.module_loading import import_string

from optimizations.models import Optimization


def announce_change(optimization: Optimization) -> None:
    """Call settings.SERVED_CHANGES, inside the transaction of the change.

    They are named in the settings, because configuration must not import results.
    """
    for name in settings.SERVED_CHANGES:
        import_string(name)(optimization)

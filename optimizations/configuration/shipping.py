"""Before shipping: the guards that may ask for a confirmation, then preparations."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.module_loading import import_string

from optimizations.models import Optimization


def prepare_shipping(optimization: Optimization, *, confirm: bool) -> None:
    """Call the guards, unless confirmed, then what must happen before results freeze.

    Both are named in the settings, because configuration must not import results and
    training. Raises what a guard raises if the optimization should not become shipped.
    """
    if not confirm:
        _call_each(settings.SHIP_GUARDS, optimization)
    _call_each(settings.SHIP_PREPARATIONS, optimization)


def _call_each(names: Iterable[str], optimization: Optimization) -> None:
    for name in names:
        import_string(name)(optimization)

"""The field for origins that browsers may send requests from, normalized."""

from typing import Any

from levered_site.api import origins
from levered_site.api.fields import StrictCharField

LONGEST_ORIGIN = 300


class OriginField(StrictCharField):
    """An origin: scheme, host, and a port unless it is the scheme's default.

    `*.` in front of the host stands for all its subdomains.
    """

    default_error_messages = {"origin": origins.VALID_ORIGIN_MESSAGE}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_ORIGIN, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the origin as browsers send it. Raise ValidationError if none would."""
        origin = super().to_internal_value(data)
        try:
            return origins.normalize_allowed_origin(origin)
        except ValueError:
            self.fail("origin")

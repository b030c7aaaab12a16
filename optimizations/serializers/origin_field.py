"""The field for origins that browsers may send requests from, normalized."""

import re
from typing import Any
from urllib.parse import urlsplit

import idna

from levered_site.api.fields import StrictCharField

LONGEST_ORIGIN = 300
DEFAULT_PORTS = {"http": 80, "https": 443}
# Schemes without DNS host names: browser extensions, apps in a web view.
NON_WEB_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?")
HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
IPV6 = re.compile(r"\[[0-9a-f:.]+\]")


class OriginField(StrictCharField):
    """An origin: scheme, host, and a port unless it is the scheme's default."""

    default_error_messages = {
        "origin": "must be an origin like https://www.shop.com: a scheme and a host, a "
        "port only if it is not the default one, and no path"
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_ORIGIN, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the origin as browsers send it. Raise ValidationError if none would."""
        origin = super().to_internal_value(data)
        try:
            return normalize_origin(origin)
        except ValueError:
            self.fail("origin")


def normalize_origin(origin: str) -> str:
    """Return an origin as browsers serialize it: lower case, ASCII, no default port.

    It can then be compared with the header as text (RFC 6454, section 6.2). Raise
    ValueError if the text is not an origin.
    """
    scheme, separator, rest = origin.lower().partition("://")
    if scheme not in DEFAULT_PORTS:
        if not NON_WEB_ORIGIN.fullmatch(origin.lower()):
            raise ValueError(origin)
        return origin.lower()
    parts = urlsplit(f"{scheme}{separator}{rest}")
    port = parts.port  # raises ValueError beyond 65535
    if not parts.hostname or parts.netloc != rest or "@" in rest or rest.endswith(":"):
        raise ValueError(origin)
    host = _normalize_host(rest if port is None else rest.rpartition(":")[0])
    suffix = "" if port in {None, DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{host}{suffix}"


def _normalize_host(host: str) -> str:
    """Return a host name in ASCII; raise idna.IDNAError, a ValueError, if it is none."""
    if IPV6.fullmatch(host) or HOST_NAME.fullmatch(host):
        return host
    return idna.encode(host, uts46=True).decode()

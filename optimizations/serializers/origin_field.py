"""Origins that may ask from a browser, written as browsers send them."""

import re
from typing import Any
from urllib.parse import urlsplit

import idna

from levered_site.api.fields import StrictCharField

LONGEST_ORIGIN = 300
DEFAULT_PORTS = {"http": 80, "https": 443}
# Of schemes without a web's host names: extensions, apps in a web view.
NON_WEB_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?")
HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
IPV6 = re.compile(r"\[[0-9a-f:.]+\]")


class OriginField(StrictCharField):
    """An origin: scheme, host, and port where it is not the scheme's usual one."""

    default_error_messages = {
        "origin": "must be an origin like https://www.shop.com: scheme and host, a port "
        "only where it is not the usual one, no path"
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_ORIGIN, **options)

    def to_internal_value(self, data: Any) -> str:
        """Write it as browsers do, or refuse what none would send."""
        given = super().to_internal_value(data)
        try:
            return normalize_origin(given)
        except ValueError:
            self.fail("origin")


def normalize_origin(origin: str) -> str:
    """Write an origin as browsers serialise it: lower case, ASCII, no usual port.

    So it can be compared with the header as text (RFC 6454, section 6.2). Raises
    ValueError for what is no origin.
    """
    scheme, separator, rest = origin.lower().partition("://")
    if scheme not in DEFAULT_PORTS:
        if not NON_WEB_ORIGIN.fullmatch(origin.lower()):
            raise ValueError(origin)
        return origin.lower()
    parts = urlsplit(f"{scheme}{separator}{rest}")
    port = parts.port  # raises beyond 65535
    if not parts.hostname or parts.netloc != rest or "@" in rest or rest.endswith(":"):
        raise ValueError(origin)
    host = _normalize_host(rest if port is None else rest.rpartition(":")[0])
    shown = "" if port in {None, DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{host}{shown}"


def _normalize_host(host: str) -> str:
    """Write a name in ASCII (idna.IDNAError is a ValueError), an address as it is."""
    if IPV6.fullmatch(host) or HOST_NAME.fullmatch(host):
        return host
    return idna.encode(host, uts46=True).decode()

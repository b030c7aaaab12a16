"""Origins of web pages: normalize what people list, and match the `Origin` header.

A list may hold origins (`https://www.shop.com`) and wildcards for the subdomains of one
domain (`https://*.shop.com`).
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

import idna

VALID_ORIGIN_MESSAGE = (
    "must be an origin like https://www.shop.com or, for all subdomains, "
    "https://*.shop.com: a scheme and a host, a port only if it is not the default "
    "one, and no path"
)

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Schemes without DNS host names: browser extensions, apps in a web view.
_NON_WEB_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]")
_WILDCARD = "://*."
# A wildcard for a whole top-level domain would allow the pages of strangers.
_WILDCARD_DOMAIN = re.compile(
    r"https?://(localhost|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*)(:[0-9]+)?"
)


def is_origin_allowed(origin: str, allowed_origins: Collection[str]) -> bool:
    """Return whether a browser's `Origin` is one of the normalized `allowed_origins`.

    `https://*.shop.com` matches subdomains of any depth, not `https://shop.com` itself;
    scheme and port must be the same.
    """
    if origin in allowed_origins:
        return True
    return any(
        _matches_wildcard(origin, allowed)
        for allowed in allowed_origins
        if _WILDCARD in allowed
    )


def _matches_wildcard(origin: str, wildcard: str) -> bool:
    scheme, _, domain = wildcard.partition(_WILDCARD)
    prefix, suffix = f"{scheme}://", f".{domain}"
    if not (origin.startswith(prefix) and origin.endswith(suffix)):
        return False
    return bool(_HOST_NAME.fullmatch(origin[len(prefix) : -len(suffix)]))


def normalize_allowed_origin(text: str) -> str:
    """Return an origin or a wildcard for subdomains, as `is_origin_allowed` needs it.

    Raise ValueError if the text is neither. A wildcard stands for all of the names in
    front of a domain (`https://*.shop.com`), never for a top-level domain.
    """
    scheme, separator, domain = text.partition(_WILDCARD)
    if not separator:
        return normalize_origin(text)
    origin = normalize_origin(f"{scheme}://{domain}")
    if not _WILDCARD_DOMAIN.fullmatch(origin):
        raise ValueError(text)
    return origin.replace("://", _WILDCARD, 1)


def normalize_origin(origin: str) -> str:
    """Return an origin as browsers serialize it: lower case, ASCII, no default port.

    It can then be compared with the header as text (RFC 6454, section 6.2). Raise
    ValueError if the text is not an origin.
    """
    scheme, separator, rest = origin.lower().partition("://")
    if scheme not in _DEFAULT_PORTS:
        if not _NON_WEB_ORIGIN.fullmatch(origin.lower()):
            raise ValueError(origin)
        return origin.lower()
    parts = urlsplit(f"{scheme}{separator}{rest}")
    port = parts.port  # raises ValueError beyond 65535
    if not parts.hostname or parts.netloc != rest or "@" in rest or rest.endswith(":"):
        raise ValueError(origin)
    host = _normalize_host(rest if port is None else rest.rpartition(":")[0])
    suffix = "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
    return f"{scheme}://{host}{suffix}"


def _normalize_host(host: str) -> str:
    """Return a host name in ASCII; raise idna.IDNAError, a ValueError, if it is none."""
    if _IPV6.fullmatch(host) or _HOST_NAME.fullmatch(host):
        return host
    return idna.encode(host, uts46=True).decode()

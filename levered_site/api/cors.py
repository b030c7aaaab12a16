"""CORS of the public endpoints: which paths they have, and the headers they answer.

Pages of every origin may read every answer of these endpoints, errors included, and the
errors of some others (`cors_responses`). The
functions take and return plain values, because two callers send the same headers: the
middleware of Django and the ASGI front.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

Headers: TypeAlias = tuple[tuple[str, str], ...]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

# What follows /api/v2/ in the address of a public endpoint. It is wider than the routes
# are, so that a page can read why its malformed address was refused.
PUBLIC_ROUTE_PATTERN = (
    r"/*(?:optimizations/+(?:best-variants?|[^/]*/+(?:serve|policy))|track)/*"
)
ANY_ORIGIN_ATTRIBUTE = "any_origin"  # set on a view or a view class
READABLE_REFUSALS_ATTRIBUTE = "readable_refusals"  # set on a view class
EXPOSED_HEADERS = (
    "X-Request-Id",
    "ETag",
    "Levered-Signature",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
# A method that an endpoint does not have is allowed too: its 405 is then readable.
ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
DEFAULT_ALLOWED_HEADERS = "content-type, authorization, x-api-key"
MAX_AGE_SECONDS = 86_400
MAX_ORIGIN_LENGTH = 300
MAX_REQUESTED_HEADERS = 100

_PUBLIC_PATH = re.compile(rf"/+api/+v2/{PUBLIC_ROUTE_PATTERN}")
_ORIGIN = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[!-+\--~]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def allow_any_origin(endpoint: Endpoint) -> Endpoint:
    """Decorate a view or a view class: pages of any origin may use it and read it.

    EnvelopeMiddleware answers its preflights and adds the headers. The path of the
    endpoint must match PUBLIC_ROUTE_PATTERN.
    """
    setattr(endpoint, ANY_ORIGIN_ATTRIBUTE, True)
    return endpoint


def allow_reading_refusals(endpoint: Endpoint) -> Endpoint:
    """Decorate a view class for backends: pages of any origin may read its errors.

    A page that calls it by mistake then learns why not. What succeeds stays unreadable.
    """
    setattr(endpoint, READABLE_REFUSALS_ATTRIBUTE, True)
    return endpoint


def has_readable_refusals(view: Callable[..., Any]) -> bool:
    """Return whether `allow_reading_refusals` marks the class of a view."""
    return _is_marked(view, READABLE_REFUSALS_ATTRIBUTE)


def is_public_endpoint(view: Callable[..., Any]) -> bool:
    """Return whether `allow_any_origin` marks the view or its class."""
    return _is_marked(view, ANY_ORIGIN_ATTRIBUTE)


def _is_marked(view: Callable[..., Any], attribute: str) -> bool:
    return any(
        getattr(owner, attribute, False) is True
        for owner in (view, getattr(view, "cls", None))
    )


def is_public_path(path: str) -> bool:
    """Return whether a decoded path is meant for a public endpoint.

    Use it where no view was found, or none was looked for.
    """
    return _PUBLIC_PATH.fullmatch(path) is not None


def build_public_cors_headers(origin: str | None) -> Headers:
    """Return the CORS headers of an answer for the request's `Origin`.

    The origin is echoed and credentials are allowed, so that `credentials: "include"`
    works. That is safe, because public endpoints read no cookie. Without an origin, or
    with a value that no browser sends, the answer is for `*`.
    """
    if origin is not None and len(origin) > MAX_ORIGIN_LENGTH:
        return _build_headers_for_origin(None)
    return _build_headers_for_origin(origin)


@functools.lru_cache(maxsize=1024)
def _build_headers_for_origin(origin: str | None) -> Headers:
    expose = ("Access-Control-Expose-Headers", ", ".join(EXPOSED_HEADERS))
    vary = ("Vary", "Origin")
    if origin is None or not _ORIGIN.fullmatch(origin):
        return ("Access-Control-Allow-Origin", "*"), expose, vary
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        expose,
        vary,
    )


def build_preflight_headers(
    origin: str | None,
    requested_headers: str | None,
    *,
    is_private_network: bool = False,
) -> Headers:
    """Return the headers of the answer to a preflight request of a public endpoint.

    `requested_headers` is the `Access-Control-Request-Headers` of the request. All its
    well-formed names are allowed (at most 100), because tracing SDKs add their own.
    `is_private_network` is whether `Access-Control-Request-Private-Network` is `true`.
    """
    headers = (
        *build_public_cors_headers(origin),
        ("Access-Control-Allow-Methods", ALLOWED_METHODS),
        ("Access-Control-Allow-Headers", _list_allowed_headers(requested_headers)),
        ("Access-Control-Max-Age", str(MAX_AGE_SECONDS)),
    )
    if not is_private_network:
        return headers
    return (*headers, ("Access-Control-Allow-Private-Network", "true"))


def _list_allowed_headers(requested_headers: str | None) -> str:
    names = (requested_headers or "").split(",", MAX_REQUESTED_HEADERS)
    valid_names = [
        name.strip()
        for name in names[:MAX_REQUESTED_HEADERS]
        if _HEADER_NAME.fullmatch(name.strip())
    ]
    return ", ".join(valid_names) or DEFAULT_ALLOWED_HEADERS

"""The state of a resource as a tag, and what a client says about it."""

import hashlib
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags

from levered_site.api import responses
from levered_site.errors import PreconditionFailedError

STALE_ETAG_MESSAGE = (
    "The resource has changed since: read it again, then repeat with the new ETag."
)


def compute_etag(representation: Any) -> str:
    """Make a strong tag from what is shown, so that no change can go unseen."""
    digest = hashlib.sha256(responses.to_json(representation)).hexdigest()
    return f'"{digest[:32]}"'


def is_unchanged(request: HttpRequest, tag: str) -> bool:
    """Whether If-None-Match says that the client has this state (answer 304)."""
    named = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in named or tag in {name.removeprefix("W/") for name in named}


def has_if_match(request: HttpRequest) -> bool:
    """Whether the request changes only the state it names."""
    return "HTTP_IF_MATCH" in request.META


def require_if_match(request: HttpRequest, tag: str) -> None:
    """Compare If-Match, where given, with the state there is.

    Raises:
        PreconditionFailedError: it names another state, or nothing readable.
    """
    if not has_if_match(request):
        return
    named = parse_etags(request.META["HTTP_IF_MATCH"])
    if "*" not in named and tag not in named:
        raise PreconditionFailedError(STALE_ETAG_MESSAGE)

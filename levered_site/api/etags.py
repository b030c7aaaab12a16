"""ETags: compute the tag of a resource, compare it with If-Match and If-None-Match."""

import hashlib
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags

from levered_site.api import responses
from levered_site.errors import PreconditionFailedError

STALE_ETAG_MESSAGE = (
    "The resource has changed: read it again, then repeat with its new ETag."
)


def compute_etag(representation: Any) -> str:
    """Return a strong ETag: a hash of the representation, so every change alters it."""
    digest = hashlib.sha256(responses.to_json(representation)).hexdigest()
    return f'"{digest[:32]}"'


def is_unchanged(request: HttpRequest, tag: str) -> bool:
    """Return whether If-None-Match names this tag, so that the answer is a 304."""
    tags = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in tags or tag in {listed_tag.removeprefix("W/") for listed_tag in tags}


def has_if_match(request: HttpRequest) -> bool:
    """Return whether the request carries If-Match."""
    return "HTTP_IF_MATCH" in request.META


def require_if_match(request: HttpRequest, tag: str) -> None:
    """Raise if the request carries an If-Match that does not name `tag`.

    Raises:
        PreconditionFailedError: If-Match names another tag or cannot be parsed.
    """
    if not has_if_match(request):
        return
    tags = parse_etags(request.META["HTTP_IF_MATCH"])
    if "*" not in tags and tag not in tags:
        raise PreconditionFailedError(STALE_ETAG_MESSAGE)

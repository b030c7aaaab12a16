"""Size limits of request bodies, per endpoint. A body over its limit is never read."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest

from levered_site.errors import (
    BadRequestError,
    LengthRequiredError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)

KB = 1024
MB = 1024 * KB
DEFAULT_LIMIT = 1 * MB
LIMIT_ATTRIBUTE = "body_limit"  # set on a view, a view class or an action

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def limit_body(size: int) -> Callable[[Endpoint], Endpoint]:
    """Decorate a plain view, a view class or an action with its body limit in bytes.

    On an action of a viewset, put it below `@action`, next to the function.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, LIMIT_ATTRIBUTE, size)
        return endpoint

    return mark


def get_body_limit(view: Callable[..., Any], method: str) -> int:
    """Return the limit set on the view, its action or its class, else 1 MB."""
    view_class = getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    action = getattr(view_class, actions.get(method.lower(), method.lower()), None)
    for owner in (view, action, view_class):
        size = getattr(owner, LIMIT_ATTRIBUTE, None)
        if isinstance(size, int):
            return size
    return DEFAULT_LIMIT


def refuse_too_large(request: HttpRequest, limit: int) -> None:
    """Raise if Content-Length announces more than `limit` bytes.

    Raises:
        PayloadTooLargeError: the body is larger.
        BadRequestError: Content-Length is not a number.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise BadRequestError("Content-Length must be a number of bytes.")
    if int(length[:20]) > limit:
        raise PayloadTooLargeError(
            f"The body is too large: this endpoint reads at most {limit:,} bytes."
        )


def refuse_chunked(request: HttpRequest) -> None:
    """Raise if the body has no Content-Length: the server would pass it on as empty.

    Raises:
        LengthRequiredError: Transfer-Encoding is set and Content-Length is not.
    """
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get(
        "CONTENT_LENGTH"
    ):
        raise LengthRequiredError(
            "Send a Content-Length header; chunked bodies are not supported."
        )


def refuse_encoded(request: HttpRequest) -> None:
    """Raise if the body is compressed: it would be parsed as invalid JSON.

    Raises:
        UnsupportedMediaTypeError: Content-Encoding names an encoding.
    """
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaTypeError(
            "Send the body uncompressed; Content-Encoding is not supported."
        )

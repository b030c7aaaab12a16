"""How large a body may be, endpoint by endpoint; refused before it is read."""

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
LIMIT_ATTRIBUTE = "body_limit"  # what an endpoint carries

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def limit_body(size: int) -> Callable[[Endpoint], Endpoint]:
    """Set the largest body, in bytes, of a plain view, a view class or an action.

    On a viewset's action it stands nearest to the function, under `@action`.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, LIMIT_ATTRIBUTE, size)
        return endpoint

    return mark


def get_body_limit(view: Callable[..., Any], method: str) -> int:
    """Find the limit of what a route leads to: the action's, the class's, or 1 MB."""
    view_class = getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    action = getattr(view_class, actions.get(method.lower(), method.lower()), None)
    for place in (view, action, view_class):
        size = getattr(place, LIMIT_ATTRIBUTE, None)
        if isinstance(size, int):
            return size
    return DEFAULT_LIMIT


def refuse_too_large(request: HttpRequest, limit: int) -> None:
    """Compare the announced length with the limit.

    Raises:
        PayloadTooLargeError: it is over.
        BadRequestError: the length is not a number.
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal():
        raise BadRequestError("Content-Length is not a number.")
    if int(announced[:20]) > limit:
        raise PayloadTooLargeError(f"The body may have at most {limit:,} bytes here.")


def refuse_chunked(request: HttpRequest) -> None:
    """Refuse a body of unannounced length: the server would hand it over empty.

    Raises:
        LengthRequiredError: Transfer-Encoding is set and Content-Length is not.
    """
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get(
        "CONTENT_LENGTH"
    ):
        raise LengthRequiredError("Send a Content-Length; chunked bodies are not read.")


def refuse_encoded(request: HttpRequest) -> None:
    """Refuse a compressed body, which would be read as broken JSON.

    Raises:
        UnsupportedMediaTypeError: Content-Encoding names an encoding.
    """
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaTypeError(
            "Send the body as it is: no Content-Encoding is read here."
        )

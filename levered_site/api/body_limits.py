"""Size limits of request bodies, per endpoint. A body over its limit is never read.

A compressed body is refused, but on endpoints that accept gzip. Its limit holds for what
is sent and for what comes out.
"""

import zlib
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
# Set on a view, a view class or an action.
LIMIT_ATTRIBUTE, GZIP_ATTRIBUTE = "body_limit", "accepts_gzip"
GZIP_NAMES = ("gzip", "x-gzip")
GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS  # zlib's way to say: with a gzip header

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def limit_body(size: int) -> Callable[[Endpoint], Endpoint]:
    """Decorate a plain view, a view class or an action with its body limit in bytes.

    On an action of a viewset, put it below `@action`, next to the function.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, LIMIT_ATTRIBUTE, size)
        return endpoint

    return mark


def accept_gzip(endpoint: Endpoint) -> Endpoint:
    """Decorate a view, a view class or an action whose body may be compressed by gzip.

    Its parser must read the body by `decompress_body`.
    """
    setattr(endpoint, GZIP_ATTRIBUTE, True)
    return endpoint


def get_body_limit(view: Callable[..., Any], method: str) -> int:
    """Return the limit set on the view, its action or its class, else 1 MB."""
    size = _get_attribute(view, method, LIMIT_ATTRIBUTE)
    return size if isinstance(size, int) else DEFAULT_LIMIT


def _get_attribute(view: Callable[..., Any], method: str, name: str) -> object:
    """Return what was set on the view, its action or its class; None if nothing was."""
    view_class = getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    action = getattr(view_class, actions.get(method.lower(), method.lower()), None)
    for owner in (view, action, view_class):
        value: object = getattr(owner, name, None)
        if value is not None:
            return value
    return None


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


def refuse_encoded(request: HttpRequest, view: Callable[..., Any]) -> None:
    """Raise if the body is compressed in a way that the endpoint does not accept.

    Raises:
        UnsupportedMediaTypeError: Content-Encoding names such an encoding.
    """
    encoding = _read_encoding(request)
    if encoding in {"", "identity"}:
        return
    if not _get_attribute(view, request.method or "", GZIP_ATTRIBUTE):
        raise UnsupportedMediaTypeError(
            "Send the body uncompressed; this endpoint supports no Content-Encoding."
        )
    if encoding not in GZIP_NAMES:
        raise UnsupportedMediaTypeError(
            "Send the body uncompressed or with `Content-Encoding: gzip`; no other "
            "encoding is supported."
        )


def decompress_body(request: HttpRequest, body: bytes, limit: int) -> bytes:
    """Return the body, decompressed if the request says that it is compressed by gzip.

    Raises:
        PayloadTooLargeError: more than `limit` bytes come out; no more are computed.
        BadRequestError: the body is not one complete gzip member and nothing else, or
            larger than it says.
    """
    if _read_encoding(request) not in GZIP_NAMES:
        return body
    announced = min(read_gzip_size(body), limit)
    inflater = zlib.decompressobj(wbits=GZIP_WINDOW_BITS)
    try:
        inflated = inflater.decompress(body, announced + 1)
    except zlib.error as error:
        raise BadRequestError(f"The body is not valid gzip: {error}") from error
    if len(inflated) > limit:
        raise PayloadTooLargeError(
            f"The decompressed body is too large: this endpoint reads at most "
            f"{limit:,} bytes."
        )
    if len(inflated) > announced:
        raise BadRequestError("The body is not valid gzip: its length is wrong.")
    if not inflater.eof:
        raise BadRequestError("The body is not valid gzip: it ends too early.")
    if inflater.unused_data:
        raise BadRequestError(
            "The body is not valid gzip: something follows its first member; send one."
        )
    return inflated


def read_gzip_size(body: bytes) -> int:
    """Return the size that a body compressed by gzip says it has, modulo 2**32.

    The body may lie: `decompress_body` computes no more than that.
    """
    return int.from_bytes(body[-4:], "little")


def _read_encoding(request: HttpRequest) -> str:
    encoding: str = request.META.get("HTTP_CONTENT_ENCODING", "")
    return encoding.strip().lower()

"""Pictures of variants: what may be kept, keep, and find."""

import struct

from django.db import transaction

from levered_site.errors import (
    InvalidParametersError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.models import Optimization

MAX_SCREENSHOT_BYTES = 5 * 1024 * 1024  # bytes
MAX_SIDE_PIXELS = 20_000  # pixels; a page screenshot may be long
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEADER = struct.Struct(">I4sII")  # length, IHDR, width, height
PNG_TRAILER = b"IEND\xaeB`\x82"

NO_SCREENSHOT_MESSAGE = "This variant has no screenshot."


def load_screenshot(optimization: Optimization, number: int) -> bytes:
    """Return the picture of a variant. Raises NotFoundError where there is none."""
    rows = optimization.variants.filter(number=number)
    picture = rows.values_list("screenshot", flat=True).first()
    if picture is None:
        raise NotFoundError(NO_SCREENSHOT_MESSAGE)
    return bytes(picture)


@transaction.atomic
def store_screenshot(
    optimization: Optimization, number: int, picture: bytes, actor: Actor
) -> None:
    """Keep a picture in place of the one before.

    Raises NotFoundError for an unknown variant, PayloadTooLargeError over 5 MB,
    UnsupportedMediaTypeError for anything but a PNG, InvalidParametersError for one of
    absurd size.
    """
    validate_png(picture)
    kept = optimization.variants.filter(number=number).update(screenshot=picture)
    if not kept:
        raise NotFoundError("There is no such variant.")
    changes = {"number": number, "bytes": len(picture)}
    audit.record(
        optimization.organization_id,
        actor,
        "variant.screenshot",
        optimization,
        changes,
    )


def validate_png(picture: bytes) -> None:
    """Refuse what is no PNG of sane size; the pixels themselves are not decoded."""
    if len(picture) > MAX_SCREENSHOT_BYTES:
        raise PayloadTooLargeError("A screenshot may have at most 5 MB.")
    whole = len(picture) >= len(PNG_SIGNATURE) + PNG_HEADER.size + len(PNG_TRAILER)
    if (
        not whole
        or not picture.startswith(PNG_SIGNATURE)
        or not picture.endswith(PNG_TRAILER)
    ):
        raise UnsupportedMediaTypeError("The body is not a whole PNG.")
    length, kind, width, height = PNG_HEADER.unpack_from(picture, len(PNG_SIGNATURE))
    if kind != b"IHDR" or length != 13:
        raise UnsupportedMediaTypeError("The body is not a whole PNG.")
    if not (1 <= width <= MAX_SIDE_PIXELS and 1 <= height <= MAX_SIDE_PIXELS):
        raise InvalidParametersError(
            f"A screenshot has 1 to {MAX_SIDE_PIXELS} pixels a side, "
            f"not {width} x {height}."
        )

"""Screenshots of variants: validate, store and load PNG files."""

import struct

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Length

from levered_site.errors import (
    ConflictError,
    InvalidParametersError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.models import Optimization, Variant

MAX_SCREENSHOT_BYTES = 5 * 1024 * 1024
MAX_SIDE_PIXELS = 20_000  # a screenshot of a whole page may be long
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEADER = struct.Struct(">I4sII")  # length, IHDR, width, height
PNG_TRAILER = b"IEND\xaeB`\x82"

INVALID_PNG_MESSAGE = "The body is not a complete PNG file."


def load_screenshot(optimization: Optimization, number: int) -> bytes:
    """Return a variant's screenshot. Raises NotFoundError where there is none."""
    rows = optimization.variants.filter(number=number)
    screenshot = rows.values_list("screenshot", flat=True).first()
    if screenshot is None:
        raise NotFoundError("This variant has no screenshot.")
    return bytes(screenshot)


@transaction.atomic
def store_screenshot(
    optimization: Optimization, number: int, png: bytes, actor: Actor
) -> None:
    """Store a variant's screenshot in place of the previous one.

    Raises NotFoundError for an unknown variant, ConflictError where the organization's
    screenshots would take more than SCREENSHOT_BYTES, and what `validate_png` raises.
    """
    validate_png(png)
    _require_room(optimization, number, len(png))
    updated = optimization.variants.filter(number=number).update(screenshot=png)
    if not updated:
        raise NotFoundError(f"This optimization has no variant {number}.")
    changes = {"number": number, "bytes": len(png)}
    audit.record(
        optimization.organization_id,
        actor,
        "variant.screenshot",
        optimization,
        changes,
    )


def _require_room(optimization: Optimization, number: int, new_bytes: int) -> None:
    others = Variant.objects.filter(
        optimization__organization_id=optimization.organization_id
    ).exclude(optimization=optimization, number=number)
    stored_bytes = others.aggregate(total=Sum(Length("screenshot")))["total"] or 0
    if stored_bytes + new_bytes > settings.SCREENSHOT_BYTES:
        raise ConflictError(
            f"Your organization's screenshots take {stored_bytes:,} bytes, and "
            f"{settings.SCREENSHOT_BYTES:,} are allowed: send smaller ones."
        )


def validate_png(png: bytes) -> None:
    """Check a PNG's size, signature, header and trailer; pixels are not decoded.

    Raises PayloadTooLargeError over 5 MB, UnsupportedMediaTypeError for anything but a
    complete PNG, InvalidParametersError for a width or height out of range.
    """
    if len(png) > MAX_SCREENSHOT_BYTES:
        raise PayloadTooLargeError("A screenshot may have at most 5 MB.")
    min_length = len(PNG_SIGNATURE) + PNG_HEADER.size + len(PNG_TRAILER)
    if (
        len(png) < min_length
        or not png.startswith(PNG_SIGNATURE)
        or not png.endswith(PNG_TRAILER)
    ):
        raise UnsupportedMediaTypeError(INVALID_PNG_MESSAGE)
    length, chunk_type, width, height = PNG_HEADER.unpack_from(png, len(PNG_SIGNATURE))
    if chunk_type != b"IHDR" or length != 13:
        raise UnsupportedMediaTypeError(INVALID_PNG_MESSAGE)
    if not (1 <= width <= MAX_SIDE_PIXELS and 1 <= height <= MAX_SIDE_PIXELS):
        raise InvalidParametersError(
            f"A screenshot must have 1 to {MAX_SIDE_PIXELS} pixels a side; "
            f"this one has {width} x {height}."
        )

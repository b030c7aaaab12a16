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

LARGEST = 5 * 1024 * 1024  # bytes
LONGEST_SIDE = 20_000  # pixels; a page screenshot may be long
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">I4sII")  # length, IHDR, width, height
END = b"IEND\xaeB`\x82"

ABSENT = "This variant has no screenshot."


def of(optimization: Optimization, number: int) -> bytes:
    """Return the picture of a variant. Raises NotFoundError where there is none."""
    rows = optimization.variants.filter(number=number)
    picture = rows.values_list("screenshot", flat=True).first()
    if picture is None:
        raise NotFoundError(ABSENT)
    return bytes(picture)


@transaction.atomic
def keep(optimization: Optimization, number: int, picture: bytes, actor: Actor) -> None:
    """Keep a picture in place of the one before.

    Raises NotFoundError for an unknown variant, PayloadTooLargeError over 5 MB,
    UnsupportedMediaTypeError for anything but a PNG, InvalidParametersError for one of
    absurd size.
    """
    check(picture)
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


def check(picture: bytes) -> None:
    """Refuse what is no PNG of sane size; the pixels themselves are not decoded."""
    if len(picture) > LARGEST:
        raise PayloadTooLargeError("A screenshot may have at most 5 MB.")
    whole = len(picture) >= len(SIGNATURE) + HEADER.size + len(END)
    if not whole or not picture.startswith(SIGNATURE) or not picture.endswith(END):
        raise UnsupportedMediaTypeError("The body is not a whole PNG.")
    length, kind, width, height = HEADER.unpack_from(picture, len(SIGNATURE))
    if kind != b"IHDR" or length != 13:
        raise UnsupportedMediaTypeError("The body is not a whole PNG.")
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise InvalidParametersError(
            f"A screenshot has 1 to {LONGEST_SIDE} pixels a side, "
            f"not {width} x {height}."
        )

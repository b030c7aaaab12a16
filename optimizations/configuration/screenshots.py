"""Screenshots of variants: validate, store and load PNG files and their thumbnails."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Length

from levered_site.database import execute_bound, fetch_rows
from levered_site.errors import (
    ConflictError,
    InvalidParametersError,
    NotFoundError,
    PayloadTooLargeError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.configuration.thumbnails import make_thumbnail
from optimizations.models import Optimization, Variant

MAX_SCREENSHOT_BYTES = 5 * 1024 * 1024
MAX_SIDE_PIXELS = 20_000  # a screenshot of a whole page may be long
PART_BYTES = 256 * 1024
FIND_SQL = """
SELECT id, xmin::text AS row_version, octet_length(screenshot) AS size,
  sha256(screenshot) AS sha256
FROM optimizations_variant
WHERE optimization_id = %s AND number = %s AND screenshot IS NOT NULL
"""
READ_SQL = """
SELECT substring(screenshot FROM %s FOR %s) AS part FROM optimizations_variant
WHERE id = %s AND xmin::text = %s
"""
STORE_SQL = b"""
UPDATE optimizations_variant SET screenshot = $1, thumbnail = $2
WHERE optimization_id = $3 AND number = $4
"""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEADER = struct.Struct(">I4sII")  # length, IHDR, width, height
PNG_TRAILER = b"IEND\xaeB`\x82"

TOO_LARGE_MESSAGE = "A screenshot may have at most 5 MB."
INVALID_PNG_MESSAGE = "The body is not a complete PNG file."


@dataclass(frozen=True, slots=True)
class StoredScreenshot:
    """A variant's screenshot in the database: which row, its size and its hash.

    `row_version` changes with every change of the row.
    """

    variant_id: int
    row_version: str
    size: int
    sha256: bytes


def find_screenshot(optimization: Optimization, number: int) -> StoredScreenshot:
    """Find a variant's screenshot. Raises NotFoundError where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_SQL, [optimization.pk, number])
        rows = fetch_rows(cursor)
    if not rows:
        raise NotFoundError("This variant has no screenshot.")
    (row,) = rows
    return StoredScreenshot(row.id, row.row_version, row.size, bytes(row.sha256))


def read_screenshot(stored: StoredScreenshot) -> Iterator[bytes]:
    """Yield a screenshot in parts, so that many slow readers need little memory.

    Raises UnavailableError if it was replaced meanwhile.
    """
    for start in range(1, stored.size + 1, PART_BYTES):
        with connection.cursor() as cursor:
            cursor.execute(
                READ_SQL, [start, PART_BYTES, stored.variant_id, stored.row_version]
            )
            rows = fetch_rows(cursor)
        if not rows:
            raise UnavailableError("The screenshot was replaced; ask again.")
        yield bytes(rows[0].part)


def load_thumbnail(variant_id: int) -> bytes | None:
    """Return the small WebP of a variant's screenshot; None where there is none."""
    rows = Variant.objects.filter(pk=variant_id).values_list("thumbnail", flat=True)
    thumbnail = rows.first()
    return None if thumbnail is None else bytes(thumbnail)


def store_screenshot(
    optimization: Optimization, number: int, png: bytes, actor: Actor
) -> None:
    """Store a variant's screenshot and its thumbnail in place of the previous ones.

    Raises NotFoundError for an unknown variant, ConflictError where the organization's
    screenshots would take more than SCREENSHOT_BYTES, and what `validate_png` raises.
    """
    validate_png(png)
    thumbnail = make_thumbnail(png)
    with transaction.atomic():
        _require_room(optimization, number, len(png))
        _store(optimization, number, (png, thumbnail), actor)


def _store(
    optimization: Optimization,
    number: int,
    pictures: tuple[bytes, bytes | None],
    actor: Actor,
) -> None:
    if not execute_bound(STORE_SQL, [*pictures, optimization.pk, number]):
        raise NotFoundError(f"This optimization has no variant {number}.")
    changes = {"number": number, "bytes": len(pictures[0])}
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
    """Check a PNG's size, signature, header and trailer; its pixels may be broken.

    Raises PayloadTooLargeError over 5 MB, UnsupportedMediaTypeError for anything but a
    complete PNG, InvalidParametersError for a width or height out of range.
    """
    if len(png) > MAX_SCREENSHOT_BYTES:
        raise PayloadTooLargeError(TOO_LARGE_MESSAGE)
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

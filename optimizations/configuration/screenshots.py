"""Screenshots of variants: validate, store and load PNG files and their thumbnails."""

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
from optimizations.configuration import png_file, thumbnails
from optimizations.models import Optimization, Variant

MAX_SCREENSHOT_BYTES = 5 * 1024 * 1024
MAX_SIDE_PIXELS = 20_000  # a screenshot of a whole page may be long
# A page 3,000 pixels wide and as long as may be; all are decompressed, a part at a time.
MAX_PIXELS = 60_000_000
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
PNG_TRAILER = b"IEND\xaeB`\x82"

TOO_LARGE_MESSAGE = "A screenshot may have at most 5 MB."
INVALID_PNG_MESSAGE = "The body is not a complete PNG file."
FIELD = "screenshot"
BROKEN_PNG_MESSAGE = (
    "The pixels of this PNG cannot be decoded: open it in a program for pictures and save "
    "it again as PNG."
)


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
    """Return the small WebP of a variant's screenshot; None where none is stored."""
    rows = Variant.objects.filter(pk=variant_id).values_list("thumbnail", flat=True)
    thumbnail = rows.first()
    return None if thumbnail is None else bytes(thumbnail)


def draw_thumbnail(stored: StoredScreenshot) -> bytes | None:
    """Return a thumbnail of a screenshot that was stored without; None if it is broken."""
    return thumbnails.make_thumbnail(b"".join(read_screenshot(stored)))


def store_screenshot(
    optimization: Optimization, number: int, png: bytes, actor: Actor
) -> None:
    """Store a variant's screenshot and its thumbnail in place of the previous ones.

    Raises NotFoundError for an unknown variant, ConflictError where the organization's
    screenshots would take more than SCREENSHOT_BYTES, InvalidParametersError where
    pixels cannot be decoded, and what `validate_png` raises.
    """
    validate_png(png)
    thumbnail = _check_and_shrink(png)
    with transaction.atomic():
        _require_room(optimization, number, len(png))
        _store(optimization, number, (png, thumbnail), actor)


def _check_and_shrink(png: bytes) -> bytes:
    try:
        return thumbnails.check_and_shrink(png)
    except png_file.BrokenPngError as error:
        raise InvalidParametersError.for_field(FIELD, BROKEN_PNG_MESSAGE) from error


def _store(
    optimization: Optimization,
    number: int,
    pictures: tuple[bytes, bytes],
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
    complete PNG, InvalidParametersError for too many pixels.
    """
    if len(png) > MAX_SCREENSHOT_BYTES:
        raise PayloadTooLargeError(TOO_LARGE_MESSAGE)
    if not png.endswith(PNG_TRAILER):
        raise UnsupportedMediaTypeError(INVALID_PNG_MESSAGE)
    try:
        header = png_file.read_header(png)
    except png_file.BrokenPngError as error:
        raise UnsupportedMediaTypeError(INVALID_PNG_MESSAGE) from error
    problem = _find_size_problem(header)
    if problem:
        size = f"this one has {header.width} x {header.height}"
        raise InvalidParametersError.for_field(FIELD, f"{problem}; {size}.")


def _find_size_problem(header: png_file.Header) -> str:
    width, height = header.width, header.height
    if not (1 <= width <= MAX_SIDE_PIXELS and 1 <= height <= MAX_SIDE_PIXELS):
        return f"A screenshot must have 1 to {MAX_SIDE_PIXELS} pixels a side"
    if width * height > MAX_PIXELS:
        return f"A screenshot may have at most {MAX_PIXELS:,} pixels"
    if header.interlacing and width * height > thumbnails.MAX_PIXELS:
        return (
            f"An interlaced screenshot may have at most {thumbnails.MAX_PIXELS:,} pixels: "
            "save it without interlacing"
        )
    return ""

"""Thumbnails of screenshots: the top of a picture, small enough for a gallery. Pure."""

import io
import struct
import threading
import zlib
from typing import Final

from PIL import Image

WIDTH, HEIGHT = 640, 360  # twice as many pixels as a card has, for sharp screens
QUALITY: Final = 80
# Pixels that are decoded at most, 4 bytes each: the memory that an upload may take.
MAX_PIXELS: Final = 12_000_000
HEADER: Final = struct.Struct(">4sIIBBBBB")  # IHDR, width, height … interlacing
HEADER_START: Final = 12  # after the signature and the length of the first chunk
BROKEN: Final = (
    Image.DecompressionBombError,
    EOFError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
)
_one_at_a_time = threading.Lock()  # bounds the memory of all uploads of a process


def make_thumbnail(png: bytes) -> bytes | None:
    """Return the top of a PNG as a WebP of at most 640 x 360 pixels.

    None where the pixels are broken, or too many to be decoded here. `png` begins with a
    header that `screenshots.validate_png` has accepted.
    """
    top = _keep_top(png)
    if top is None:
        return None
    written = io.BytesIO()
    try:
        with _one_at_a_time, Image.open(io.BytesIO(top), formats=["PNG"]) as image:
            _shrink(image).save(written, "WEBP", quality=QUALITY)
    except BROKEN:
        return None
    return written.getvalue()


def _keep_top(png: bytes) -> bytes | None:
    """Return the PNG with a header that ends it below its top; None if that is too large.

    Rows follow each other, so a decoder never reads those below. Interlaced ones do not:
    such a picture is left whole.
    """
    kind, width, height, *kinds, interlacing = HEADER.unpack_from(png, HEADER_START)
    rows = height if interlacing else min(height, max(1, width * HEIGHT // WIDTH))
    if width * rows > MAX_PIXELS:
        return None
    header = HEADER.pack(kind, width, rows, *kinds, interlacing)
    rest = png[HEADER_START + HEADER.size + 4 :]
    return b"".join(
        (png[:HEADER_START], header, struct.pack(">I", zlib.crc32(header)), rest)
    )


def _shrink(image: Image.Image) -> Image.Image:
    """Return the top of the picture, opaque on white."""
    rows = min(image.height, max(1, image.width * HEIGHT // WIDTH))
    top = image.crop((0, 0, image.width, rows)).convert("RGBA")
    top.thumbnail((WIDTH, HEIGHT), reducing_gap=3.0)
    opaque = Image.new("RGBA", top.size, "white")
    opaque.alpha_composite(top)
    return opaque.convert("RGB")

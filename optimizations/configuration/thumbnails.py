"""Thumbnails of screenshots: the top of a picture, small enough for a gallery. Pure."""

import io
import struct
import threading
import zlib
from typing import Final

from PIL import Image

from optimizations.configuration import png_file

WIDTH, HEIGHT = 640, 360  # twice as many pixels as a card has, for sharp screens
QUALITY: Final = 80
# Pixels that are decoded at most, 4 bytes each: the memory that an upload may take.
MAX_PIXELS: Final = 12_000_000
DRAWN_CHUNKS: Final = {b"PLTE", b"tRNS", b"IDAT", b"IEND"}
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


def check_and_shrink(png: bytes) -> bytes:
    """Return the thumbnail of a PNG of which every pixel can be decoded.

    Raises BrokenPngError where some cannot, or too many would have to be at once.
    """
    try:
        with _one_at_a_time:
            png_file.check_pixels(png)
            return _draw(png)
    except BROKEN as error:
        raise png_file.BrokenPngError(str(error)) from error


def make_thumbnail(png: bytes) -> bytes | None:
    """Return the top of a PNG as a WebP of at most 640 x 360 pixels.

    None where these pixels are broken, or too many to be decoded here.
    """
    try:
        with _one_at_a_time:
            return _draw(png)
    except BROKEN:
        return None


def _draw(png: bytes) -> bytes:
    written = io.BytesIO()
    with Image.open(io.BytesIO(_keep_top(png)), formats=["PNG"]) as image:
        _shrink(image).save(written, "WEBP", quality=QUALITY)
    return written.getvalue()


def _keep_top(png: bytes) -> bytes:
    """Return the PNG with a header that ends it below its top, and without its texts.

    Rows follow each other, so a decoder never reads those below. Interlaced ones do not:
    such a picture is left whole. The top of a very wide one is lower.
    """
    header = png_file.read_header(png)
    rows = min(header.height, max(1, header.width * HEIGHT // WIDTH))
    rows = (
        header.height
        if header.interlacing
        else min(rows, MAX_PIXELS // max(1, header.width))
    )
    if not 0 < header.width * rows <= MAX_PIXELS:
        raise png_file.BrokenPngError("No pixels, or too many to be decoded at once.")
    kept = (
        png_file.write_chunk(kind, data)
        for kind, data in png_file.read_chunks(png)
        if kind in DRAWN_CHUNKS
    )
    first = png_file.write_chunk(b"IHDR", header.pack(rows))
    return b"".join((png_file.SIGNATURE, first, *kept))


def _shrink(image: Image.Image) -> Image.Image:
    """Return the top of the picture, opaque on white."""
    rows = min(image.height, max(1, image.width * HEIGHT // WIDTH))
    top = image.crop((0, 0, image.width, rows)).convert("RGBA")
    top.thumbnail((WIDTH, HEIGHT), reducing_gap=3.0)
    opaque = Image.new("RGBA", top.size, "white")
    opaque.alpha_composite(top)
    return opaque.convert("RGB")

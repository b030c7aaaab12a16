"""Pictures in the format of screenshots."""

import struct
import zlib

from optimizations.configuration import png_file


def build_png(
    width: int = 2,
    height: int = 2,
    filler: int = 0,
    rows: bytes = b"\0\0\0" * 2,
    level: int = -1,
) -> bytes:
    """Return a grey PNG with some bytes of text; the rows fit the default size only."""

    def build_chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(rows, level)
    return (
        png_file.SIGNATURE
        + build_chunk(b"IHDR", header)
        + build_chunk(b"tEXt", b"x" * filler)
        + build_chunk(b"IDAT", pixels)
        + build_chunk(b"IEND", b"")
    )

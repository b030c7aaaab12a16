"""Pictures in the format of screenshots."""

import struct
import zlib

from optimizations.configuration import screenshots


def build_png(width: int = 2, height: int = 2, filler: int = 0) -> bytes:
    """Return a PNG file with some bytes of text."""

    def build_chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0\0" * 2)
    return (
        screenshots.PNG_SIGNATURE
        + build_chunk(b"IHDR", header)
        + build_chunk(b"tEXt", b"x" * filler)
        + build_chunk(b"IDAT", pixels)
        + build_chunk(b"IEND", b"")
    )

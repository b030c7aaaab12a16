"""PNG files: their header and chunks, and whether all pixels are there. Pure."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHUNK: Final = struct.Struct(">I4s")  # length of the data, kind; a checksum follows
CHECKSUM: Final = struct.Struct(">I")
HEADER: Final = struct.Struct(">IIBBBBB")
CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
DEPTHS: Final = {
    0: {1, 2, 4, 8, 16},
    2: {8, 16},
    3: {1, 2, 4, 8},
    4: {8, 16},
    6: {8, 16},
}
INDEXED: Final = 3  # the color type with a palette
# First column and row of each pass of an interlaced picture, and the steps.
PASSES: Final = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
MAX_FILTER: Final = 4
PART_BYTES: Final = 64 * 1024  # of compressed data that is looked at, at a time
ROOM_BYTES: Final = 256 * 1024  # of pixels that are kept, at a time


class BrokenPngError(ValueError):
    """The file is no PNG, or some of its pixels are missing or damaged."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a PNG says of itself, in the order of the file."""

    width: int
    height: int
    depth: int
    color: int
    compression: int
    filtering: int
    interlacing: int

    def pack(self, height: int) -> bytes:
        """Return the data of a header like this one with another height."""
        kinds = (self.depth, self.color, self.compression, self.filtering)
        return HEADER.pack(self.width, height, *kinds, self.interlacing)

    @property
    def row_bytes(self) -> int:
        """Return what a row takes with its filter."""
        return self._count_row_bytes(self.width)

    def count_bytes(self) -> int:
        """Return what all rows take, decompressed."""
        if not self.interlacing:
            return self.height * self.row_bytes
        total = 0
        for left, top, step_x, step_y in PASSES:
            columns = -((left - self.width) // step_x) if self.width > left else 0
            rows = -((top - self.height) // step_y) if self.height > top else 0
            total += rows * self._count_row_bytes(columns) if columns else 0
        return total

    def _count_row_bytes(self, columns: int) -> int:
        return 1 + (columns * CHANNELS[self.color] * self.depth + 7) // 8


def read_header(png: bytes) -> Header:
    """Return the header. Raises BrokenPngError where there is none."""
    first = next(read_chunks(png), None)
    if first is None or first[0] != b"IHDR" or len(first[1]) != HEADER.size:
        raise BrokenPngError("The file does not begin with a header.")
    header = Header(*HEADER.unpack(first[1]))
    if header.depth not in DEPTHS.get(header.color, ()) or header.interlacing > 1:
        raise BrokenPngError("The header names colors that there are not.")
    return header


def read_chunks(png: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and data of each chunk. Raises BrokenPngError at a damaged one."""
    if not png.startswith(SIGNATURE):
        raise BrokenPngError("The file is no PNG.")
    view, start = memoryview(png), len(SIGNATURE)
    while start < len(png):
        if start + CHUNK.size > len(png):
            raise BrokenPngError("The file is cut off.")
        length, kind = CHUNK.unpack_from(png, start)
        end = start + CHUNK.size + length
        if end + CHECKSUM.size > len(png):
            raise BrokenPngError("The file is cut off.")
        data = view[start + CHUNK.size : end]
        if zlib.crc32(data, zlib.crc32(kind)) != CHECKSUM.unpack_from(png, end)[0]:
            raise BrokenPngError("A part of the file does not match its checksum.")
        yield kind, data
        start = end + CHECKSUM.size


def write_chunk(kind: bytes, data: bytes | memoryview) -> bytes:
    """Return a chunk as it stands in a file."""
    checksum = CHECKSUM.pack(zlib.crc32(data, zlib.crc32(kind)))
    return b"".join((CHUNK.pack(len(data), kind), data, checksum))


def check_pixels(png: bytes) -> None:
    """Decompress all pixels, a part at a time. Raises BrokenPngError if any is missing.

    What a hostile file decompresses to beyond its pixels is never looked at.
    """
    header = read_header(png)
    kinds = [kind for kind, _ in read_chunks(png)]
    if kinds.count(b"IHDR") > 1 or (header.color == INDEXED and b"PLTE" not in kinds):
        raise BrokenPngError("The file has two headers, or no palette.")
    expected, seen = header.count_bytes(), 0
    for part in _decompress(png):
        if not header.interlacing:
            _check_filters(
                part[: expected - seen], -seen % header.row_bytes, header.row_bytes
            )
        seen += len(part)
        if seen >= expected:
            return
    raise BrokenPngError("Pixels are missing.")


def _check_filters(part: bytes, first: int, row_bytes: int) -> None:
    """Check the byte that begins each row."""
    if max(part[first::row_bytes], default=0) > MAX_FILTER:
        raise BrokenPngError("A row is filtered in a way that there is not.")


def _decompress(png: bytes) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    try:
        for kind, data in read_chunks(png):
            for start in range(0, len(data) if kind == b"IDAT" else 0, PART_BYTES):
                rest: bytes | memoryview = data[start : start + PART_BYTES]
                while rest and not inflater.eof:
                    yield inflater.decompress(rest, ROOM_BYTES)
                    rest = inflater.unconsumed_tail
        yield inflater.flush(ROOM_BYTES)
    except zlib.error as error:
        raise BrokenPngError("The pixels are damaged.") from error

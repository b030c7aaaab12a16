"""Thumbnails of screenshots, drawn from real PNG files; broken ones are refused."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from levered_site.errors import InvalidParametersError
from optimizations.configuration import png_file, screenshots, thumbnails
from tests.support.pictures import build_png

RED, BLUE = (220, 30, 30), (30, 30, 220)


def encode(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def draw_page(width: int, height: int) -> Image.Image:
    """Return a red page that is blue below its top of 16 to 9."""
    page = Image.new("RGB", (width, height), BLUE)
    page.paste(RED, (0, 0, width, width * 9 // 16))
    return page


def read(thumbnail: bytes | None) -> Image.Image:
    assert thumbnail is not None
    image = Image.open(io.BytesIO(thumbnail))
    assert image.format == "WEBP"
    return image.convert("RGB")


def is_near(pixel: object, color: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 20 for one, other in zip(pixel, color, strict=True))


def test_a_thumbnail_is_the_top_of_a_whole_page() -> None:
    """The page has more pixels than are decoded: rows below the top are never read."""
    page = draw_page(1600, 12_000)
    assert page.width * page.height > thumbnails.MAX_PIXELS

    shown = read(thumbnails.make_thumbnail(encode(page)))

    assert shown.size == (640, 360)
    assert is_near(shown.getpixel((320, 5)), RED)
    assert is_near(shown.getpixel((320, 350)), RED)


def test_a_small_picture_keeps_its_size_and_transparency_is_white() -> None:
    clear = Image.new("RGBA", (80, 40), (0, 0, 0, 0))

    shown = read(thumbnails.make_thumbnail(encode(clear)))

    assert shown.size == (80, 40)
    assert is_near(shown.getpixel((40, 20)), (255, 255, 255))


@pytest.mark.parametrize(
    "png",
    [
        pytest.param(build_png(width=20_000, height=20_000), id="a huge header"),
        pytest.param(build_png(width=0), id="no pixels"),
        pytest.param(build_png(width=900, height=900), id="pixels are missing"),
        pytest.param(build_png()[:50], id="cut off"),
    ],
)
def test_what_cannot_be_drawn_has_no_thumbnail(png: bytes) -> None:
    assert thumbnails.make_thumbnail(png) is None


def interlace(*, depth: int = 8, width: int = 5, height: int = 5) -> bytes:
    """Return a PNG in passes: Pillow reads such files, and writes none."""
    rows = bytearray()
    for left, top, step_x, step_y in png_file.PASSES:
        columns = len(range(left, width, step_x))
        row = bytes((columns * 4 * depth + 7) // 8)
        rows += (b"\0" + row) * len(range(top, height, step_y)) if columns else b""
    header = struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    chunks = (png_file.write_chunk(*part) for part in parts)
    return png_file.SIGNATURE + b"".join(chunks)


def change_pixels(png: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the PNG with other compressed pixels, and the checksum of these."""
    chunks = (
        png_file.write_chunk(kind, change(bytes(data)) if kind == b"IDAT" else data)
        for kind, data in png_file.read_chunks(png)
    )
    return png_file.SIGNATURE + b"".join(chunks)


@pytest.mark.parametrize(
    "png",
    [
        pytest.param(build_png(), id="two rows"),
        pytest.param(build_png(filler=2_000_000), id="a long text"),
        pytest.param(encode(draw_page(1600, 12_000)), id="a tall page"),
        pytest.param(encode(draw_page(2880, 20_000)), id="the tallest sharp page"),
        pytest.param(encode(draw_page(5120, 2880)), id="a wide screen"),
        pytest.param(encode(draw_page(90, 90).convert("P")), id="palette"),
        pytest.param(encode(draw_page(91, 90).convert("1")), id="a bit a pixel"),
        pytest.param(encode(draw_page(90, 90).convert("LA")), id="grey and clear"),
        pytest.param(encode(Image.new("I;16", (90, 90))), id="16 bits"),
        pytest.param(interlace(), id="interlaced"),
        pytest.param(interlace(depth=16, width=3, height=1), id="interlaced, tiny"),
    ],
)
def test_every_whole_picture_is_taken_and_drawn(png: bytes) -> None:
    screenshots.validate_png(png)

    assert max(read(thumbnails.check_and_shrink(png)).size) <= 640


PAGE = encode(draw_page(300, 3000))


@pytest.mark.parametrize(
    "png",
    [
        pytest.param(build_png(width=900, height=900), id="pixels are missing"),
        pytest.param(change_pixels(PAGE, lambda data: data[:-9]), id="the last are"),
        pytest.param(
            change_pixels(PAGE, lambda data: data[:500] + bytes(9) + data[509:]),
            id="damaged below the top",
        ),
        pytest.param(
            change_pixels(interlace(), lambda data: data[:-9]), id="of a pass"
        ),
        pytest.param(build_png(rows=b"\0\0\0\5\0\0"), id="no such filter"),
        pytest.param(PAGE[:100] + b"?" + PAGE[101:], id="another checksum"),
        pytest.param(PAGE[:200] + PAGE[300:], id="cut out"),
    ],
)
def test_a_broken_picture_is_refused(png: bytes) -> None:
    with pytest.raises(png_file.BrokenPngError):
        thumbnails.check_and_shrink(png)


def test_what_a_bomb_holds_beyond_its_pixels_is_never_looked_at() -> None:
    bomb = build_png(rows=bytes(6) + b"\5" * 50_000_000)
    tracemalloc.start()

    thumbnails.check_and_shrink(bomb)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("png", "message"),
    [
        pytest.param(
            build_png(20_000, 20_000), "at most 60,000,000 pixels; this", id="huge"
        ),
        pytest.param(
            interlace(width=4000, height=4000),
            "interlaced screenshot may have at most 12,000,000",
            id="interlaced",
        ),
        pytest.param(build_png(width=0), "1 to 20000 pixels a side", id="empty"),
    ],
)
def test_too_many_pixels_are_refused_before_any_is_decoded(
    png: bytes, message: str
) -> None:
    with pytest.raises(InvalidParametersError, match=message) as caught:
        screenshots.validate_png(png)

    assert [detail.field for detail in caught.value.details] == ["screenshot"]

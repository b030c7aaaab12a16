"""Thumbnails of screenshots, drawn from real PNG files."""

import io

import pytest
from PIL import Image

from optimizations.configuration import thumbnails
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
        pytest.param(build_png(width=20_000, height=20_000), id="too many pixels"),
        pytest.param(build_png(width=900, height=900), id="pixels are missing"),
        pytest.param(build_png()[:50], id="cut off"),
    ],
)
def test_what_cannot_be_drawn_has_no_thumbnail(png: bytes) -> None:
    assert thumbnails.make_thumbnail(png) is None

"""The pictures of README and docs: all are taken by `make pictures`, and shown."""

import re
import struct

from levered_site.demo import pictures
from levered_site.demo.five_worlds import WORLDS
from levered_site.demo.pictures import PICTURES, SCALE
from levered_site.demo.stories import SCREENSHOTS
from optimizations.configuration import png_file, screenshots
from tests.support.code_blocks import ROOT, find_pages

SHOWN = re.compile(r"pictures/([\w-]+)\.png")
SIZE = struct.Struct(">II")
MAX_BYTES = 250_000


def test_every_picture_of_the_docs_is_taken_by_the_maker_and_exists() -> None:
    shown = {name for page in find_pages() for name in SHOWN.findall(page.read_text())}
    stored = {path.stem for path in pictures.FOLDER.glob("*.png")}

    assert shown == stored == {picture.name for picture in PICTURES}
    assert ROOT / "docs" / "pictures" == pictures.FOLDER


def test_every_picture_has_the_size_of_its_page_and_is_small() -> None:
    for picture in PICTURES:
        png = (pictures.FOLDER / f"{picture.name}.png").read_bytes()

        assert _read_size(png) == (picture.width * SCALE, picture.height * SCALE)
        assert len(png) <= MAX_BYTES, picture.name


def test_every_variant_with_a_screenshot_has_one_that_the_api_takes() -> None:
    for world in WORLDS:
        numbers = range(1, len(world.variants) + 1) if world.screenshots else ()
        for number in numbers:
            path = SCREENSHOTS / world.screenshots / f"{number}.png"
            screenshots.validate_png(path.read_bytes())


def _read_size(png: bytes) -> tuple[int, int]:
    width, height = SIZE.unpack_from(png, len(png_file.SIGNATURE) + 8)
    return width, height

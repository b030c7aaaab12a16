"""The pictures of README and docs, taken in a browser from a service with the demo."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Browser, Page

from levered_site.demo.five_worlds import (
    BROKEN_SPLIT,
    CLEAR_WINNER,
    GUARDRAIL_SUFFERS,
    PERSONALIZED,
)
from levered_site.demo.stories import SCREENSHOTS
from levered_site.demo.world import World

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
COLORS = 256  # of a picture's palette: pages have few, and a file is half as large
SCALE = 1.5  # pixels of a picture for one of the page
SCROLL_THERE = "part => { part.style.scrollMarginTop = '100px'; part.scrollIntoView() }"
PRICES = {"monthly": "€ 12 a month", "yearly": "€ 120 a year, two months free"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page of the admin. Without a world it is the overview.

    With `heading` it begins at that part of the page.
    """

    name: str
    world: World | None = None
    tab: str = "change"
    width: int = 1400
    height: int = 1000
    scheme: Literal["light", "dark"] = "light"
    heading: str = ""


PICTURES = (
    Picture("overview"),
    Picture("results", CLEAR_WINNER, height=1160),
    Picture("results-dark", CLEAR_WINNER, height=1160, scheme="dark"),
    Picture("variants", CLEAR_WINNER, "variants"),
    Picture("broken-split", BROKEN_SPLIT),
    Picture("guardrail", GUARDRAIL_SUFFERS),
    Picture(
        "personalized",
        PERSONALIZED,
        height=1020,
        heading="What each variant is believed to earn",
    ),
    Picture("history", BROKEN_SPLIT, "history"),
    Picture("phone", CLEAR_WINNER, width=390, height=1000),
)


def take_picture(browser: Browser, picture: Picture, url: str, session: str) -> Path:
    """Open the page at `url` as the session's user, and store what is seen of it."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=SCALE,
        color_scheme=picture.scheme,
        reduced_motion="reduce",
    )
    # Of the whole service: of a page alone, its pictures would come without the session.
    origin = urljoin(url, "/")
    context.add_cookies([{"name": "sessionid", "value": session, "url": origin}])
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    if picture.heading:
        heading = page.get_by_role("heading", name=picture.heading)
        heading.evaluate(SCROLL_THERE)
    path = FOLDER / f"{picture.name}.png"
    _store(page, path)
    context.close()
    return path


def draw_screenshots(browser: Browser) -> Iterable[Path]:
    """Draw what visitors of the clear winner saw of each variant; yield the files."""
    name = CLEAR_WINNER.screenshots
    template = Template((SCREENSHOTS / f"{name}.html").read_text())
    page = browser.new_page(viewport={"width": 640, "height": 400})
    for number, variant in enumerate(CLEAR_WINNER.variants, start=1):
        page.set_content(
            template.substitute(
                headline=variant["headline"],
                columns=variant["layout"].split()[0],
                price=PRICES[variant["price"]],
            )
        )
        path = SCREENSHOTS / name / f"{number}.png"
        _store(page, path)
        yield path
    page.close()


def _store(page: Page, path: Path) -> None:
    """Store what is seen of a page, with a palette."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path.parent.mkdir(exist_ok=True)
    small = picture.quantize(COLORS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)

"""The charts of the admin in a real browser: which drawing is shown, pointer, keyboard."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import chromium, result_visitors
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
TITLE = "What each variant is believed to earn"
# Texts of the drawings shown that are wider or higher than the drawing has room for.
LIST_CUT = """() => [...document.querySelectorAll(".chart-drawing")]
  .filter((drawing) => getComputedStyle(drawing).display !== "none")
  .flatMap((drawing) => [...drawing.querySelectorAll("text")].filter((text) => {
    const box = text.getBBox(), room = drawing.viewBox.baseVal;
    return box.x < -1 || box.x + box.width > room.width + 1
      || box.y < -2 || box.y + box.height > room.height + 2;
  }).map((text) => text.textContent))"""


def open_trained_optimization(page: Page) -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    log_in(page)
    page.goto(
        reverse("admin:optimizations_optimization_change", args=[optimization.pk])
    )


def test_each_width_shows_the_drawing_made_for_it_and_cuts_no_text(
    page: Page, complaints: list[str]
) -> None:
    open_trained_optimization(page)

    for width, name in ((360, "narrow"), (768, "wide"), (1400, "wide")):
        page.set_viewport_size({"width": width, "height": 900})
        drawing = page.get_by_role("img", name=TITLE)
        expect(drawing).to_have_count(1)
        expect(drawing).to_have_class(f"chart-drawing chart-{name}")
        assert page.evaluate(LIST_CUT) == []
    assert complaints == []


def test_the_pointer_shows_what_the_nearest_mark_is(
    page: Page, complaints: list[str]
) -> None:
    open_trained_optimization(page)
    drawing = page.get_by_role("img", name=TITLE)

    drawing.hover(position={"x": 200, "y": 80})
    expect(page.locator(".chart-tip")).to_contain_text("best with")
    expect(page.get_by_role("img", name=TITLE)).to_have_count(1)
    page.get_by_role("heading", name="Landing page", exact=True).hover()
    expect(page.locator(".chart-tip")).to_be_hidden()
    assert complaints == []


def test_the_numbers_are_reached_by_keyboard(page: Page) -> None:
    open_trained_optimization(page)
    numbers = page.locator(".chart-numbers", has_text=f"Numbers: {TITLE}")

    numbers.locator("summary").focus()
    page.keyboard.press("Enter")

    expect(numbers.get_by_role("columnheader", name="best with")).to_be_visible()
    expect(numbers.get_by_role("rowheader")).to_have_count(4)

"""The admin by keyboard alone: the menu is skipped, opened and searched; the focus is seen."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import chromium, staff_world
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]

OPTIMIZATION_LIST = "admin:optimizations_optimization_changelist"
HAS_SEEN_FOCUS = """() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  return focused === document.body
    || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
}"""
NAME_FOCUS = "() => document.activeElement.outerHTML.slice(0, 120)"


def test_the_first_link_skips_the_menu(page: Page, complaints: list[str]) -> None:
    log_in(page)
    page.goto(reverse("admin:index"))

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")

    expect(page.locator(".staff-open-search")).to_be_focused()
    assert complaints == []


@pytest.mark.parametrize("view", ["admin:index", OPTIMIZATION_LIST])
def test_whatever_has_the_focus_is_seen(page: Page, view: str) -> None:
    staff_world.make_world()
    log_in(page)
    page.goto(reverse(view))

    unseen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if not page.evaluate(HAS_SEEN_FOCUS):
            unseen.append(page.evaluate(NAME_FOCUS))

    assert unseen == []


def test_ctrl_k_finds_an_optimization(page: Page, complaints: list[str]) -> None:
    world = staff_world.make_world()
    log_in(page)
    page.goto(reverse("admin:index"))
    expect(page.locator(".staff-open-search")).to_contain_text("Ctrl-K")

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Search")).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("checkout")
    expect(page.locator("#command-results-list")).to_contain_text("Checkout")
    box = page.get_by_role("searchbox", name="Search")
    box.fill("nothing like it")
    page.keyboard.press("End")
    expect(page.locator("#command-results-list")).to_contain_text(
        "Nothing is called so."
    )
    box.fill("checkout")
    page.keyboard.press("End")
    expect(page.locator("#command-results-list")).to_contain_text("Checkout")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    path = reverse(
        "admin:optimizations_optimization_change", args=[world.optimization.pk]
    )
    page.wait_for_url(f"**{path}")
    assert complaints == []


def test_the_search_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    log_in(page)
    page.goto(reverse("admin:index"))
    opener = page.locator(".staff-open-search")

    opener.focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("searchbox", name="Search")
    expect(box).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("() => !document.activeElement.closest('#page')")
    box.focus()
    page.keyboard.press("Escape")

    expect(box).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_menu_of_a_phone_opens_and_closes(
    page: Page, complaints: list[str]
) -> None:
    log_in(page)
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(reverse("admin:index"))
    opener = page.locator("#open-menu")
    menu = page.get_by_role("navigation", name="Menu")
    expect(menu).to_be_hidden()

    opener.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    expect(page.get_by_role("button", name="Close the menu")).to_be_focused()
    expect(menu.get_by_role("link", name="Overview")).to_have_attribute(
        "aria-current", "page"
    )
    page.keyboard.press("Escape")

    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    assert complaints == []


def test_filters_and_the_account_open_by_keyboard(
    page: Page, complaints: list[str]
) -> None:
    staff_world.make_world()
    log_in(page)
    page.goto(reverse(OPTIMIZATION_LIST))

    opener = page.locator("#open-filters")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Filters", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()

    page.get_by_role("button", name="Account of root").focus()
    page.keyboard.press("Enter")
    dark = page.get_by_role("button", name="Dark")
    expect(dark).to_be_visible()
    dark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class("dark")
    page.keyboard.press("Escape")
    expect(dark).to_be_hidden()
    assert complaints == []


def test_the_list_on_the_overview_is_filtered_and_sorted(
    page: Page, complaints: list[str]
) -> None:
    world = staff_world.make_world()
    staff_world.make_optimization(
        world.organization, world.metric, "Landing page", status="draft"
    )
    log_in(page)
    rows = page.locator(".staff-list tbody tr")
    expect(rows).to_have_count(2)

    page.get_by_role("searchbox", name="Name or id").fill("land")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Landing page")
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("combobox", name="Status").select_option(label="live (1)")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_contain_text("Checkout")
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("columnheader", name="Optimization").get_by_role("link").click()
    expect(rows.first).to_contain_text("Checkout")
    page.get_by_role("columnheader", name="Optimization").get_by_role("link").click()

    expect(rows.first).to_contain_text("Landing page")
    assert complaints == []


def test_a_dialog_has_the_focus_and_gives_it_back(
    page: Page, complaints: list[str]
) -> None:
    world = staff_world.make_world()
    log_in(page)
    page.goto(reverse("admin:organizations_apikey_change", args=[world.key.pk]))
    opener = page.get_by_role("link", name="Revoke")

    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke the key “backend")
    expect(dialog).to_contain_text("After this the API rejects the key.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate("() => !document.activeElement.closest('#page')")
    page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert complaints == []

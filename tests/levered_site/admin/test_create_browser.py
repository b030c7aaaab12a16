"""A person builds a new optimization in a real browser, with mistakes and by keyboard."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, Route, expect

from optimizations.configuration import screenshots
from optimizations.models import Optimization
from tests.support import chromium, factories, pictures, staff_world
from tests.support.create_form import (
    continue_to,
    fill_factor,
    find_factor,
    open_form,
    press,
)
from tests.support.factories import Api
from tests.support.page_widths import LIST_CUT
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
TIMES = "\N{MULTIPLICATION SIGN}"


def answer_goal(page: Page, name: str = "Landing page") -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#metric").get_by_label("Purchases").check()
    expect(page.locator("#metric-summary")).to_contain_text("with the largest value")
    continue_to(page, "Variants")


def expect_problem(page: Page, message: str, field: Locator) -> None:
    """Check that a message is in the summary and beside its field."""
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#problems")).to_contain_text(message)
    expect(field).to_have_accessible_description(message)


def make_mistakes_with_levels(page: Page) -> None:
    """Give a factor one level, then a level twice; see both and fix them."""
    fill_factor(page, "Design factor 1", "headline", "Plain")
    press(page, "Continue")
    levels = page.get_by_role("group", name="Levels of headline")
    expect_problem(page, "Factor “headline” must have at least 2 levels.", levels)
    fill_factor(page, "Design factor 1", "headline", "Plain", "Bold", "Bold")
    press(page, "Continue")
    third = find_factor(page, "Design factor 1").get_by_label("Level 3 of headline")
    expect_problem(page, "The level “Bold” is used twice.", third)
    third.fill("Calm")


def make_too_many_variants(page: Page) -> None:
    """Add two factors with so many levels that there are 108 variants; remove some."""
    for number, (name, levels) in enumerate(
        (("color", "abcdef"), ("size", "uvwxyz")), start=2
    ):
        page.get_by_role("button", name="Add design factor").click()
        fill_factor(page, f"Design factor {number}", name, *levels)
    count = page.locator("#variants-count")
    page.keyboard.press("Tab")
    expect(count).to_contain_text(
        f"3 {TIMES} 6 {TIMES} 6 = 108 of at most 100 variants"
    )
    press(page, "Continue")
    expect(page.locator("#problems")).to_contain_text(
        "The design factors must make at most 100 variants; these make 108."
    )
    for level in "cdefwxyz":
        press(page, f"Remove {level}")
        expect(
            page.get_by_role("button", name=f"Remove {level}", exact=True)
        ).to_have_count(0)
    expect(count).to_contain_text(f"3 {TIMES} 2 {TIMES} 2 = 12 of at most 100 variants")


def exclude_some_variants(page: Page) -> None:
    """Exclude a variant by its cell, and two by a combination."""
    count = page.locator("#variants-count")
    page.get_by_label("Exclude variant 6: Bold · a · v").check()
    expect(count).to_contain_text("11 of them served")
    page.get_by_label("headline", exact=True).select_option(label="Calm")
    page.get_by_label("color", exact=True).select_option(label="b")
    press(page, "Exclude")
    expect(count).to_contain_text("9 of them served")
    expect(page.get_by_label("Exclude variant 12: Calm · b · v")).to_be_disabled()


def test_a_person_builds_three_factors_with_mistakes(
    page: Page, complaints: list[str]
) -> None:
    """Each mistake stands at its field; what is created is what REST shows."""
    world = staff_world.make_world()
    log_in(page)
    open_form(page)
    answer_goal(page)
    make_mistakes_with_levels(page)
    make_too_many_variants(page)
    exclude_some_variants(page)
    continue_to(page, "Traffic")
    page.get_by_label("Holdout").fill("20")
    continue_to(page, "Review")
    expect(page.get_by_text("20% of users are held out")).to_be_visible()
    expect(page.get_by_text("12 variants; 3 excluded, 9 served")).to_be_visible()
    press(page, "Create draft")
    expect(page.get_by_text("Created: Landing page. It is a draft")).to_be_visible()

    created = Optimization.objects.get(name="Landing page")
    api = Api(factories.admin_token(world.organization))
    answer: Any = api.request("GET", f"/optimizations/{created.pk}")
    shown = answer.json()
    assert {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in shown["training_data_config"]["design_factors"]
    } == {
        "headline": ["Plain", "Bold", "Calm"],
        "color": ["a", "b"],
        "size": ["u", "v"],
    }
    assert shown["excluded_combinations"] == [
        {"headline": "Bold", "color": "a", "size": "v"},
        {"headline": "Calm", "color": "b"},
    ]
    assert (shown["holdout_percentage"], shown["status"]) == (20, "draft")
    assert complaints == []


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(80):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def type_goal(page: Page) -> None:
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("By keyboard")
    tab_to(page, page.locator("#metric").get_by_role("radio").first)
    page.keyboard.press("Space")
    expect(page.locator("#metric-summary")).to_contain_text("with the largest value")
    press_continue(page, "Variants")


def type_factor(page: Page) -> None:
    """Enter in a level goes on to the next one, and adds it if there is none."""
    factor = find_factor(page, "Design factor 1")
    tab_to(page, factor.get_by_label("Name"))
    page.keyboard.type("headline")
    tab_to(page, factor.locator("input[data-adds]").first)
    page.keyboard.type("Plain")
    for number, level in ((2, "Bold"), (3, "Calm")):
        page.keyboard.press("Enter")
        expect(factor.locator("input[data-adds]").nth(number - 1)).to_be_focused()
        page.keyboard.type(level)
    tab_to(page, factor.get_by_role("button", name="Add level"))
    expect(page.locator("#variants-count")).to_contain_text("3 of at most 100")
    tab_to(page, page.get_by_label("Exclude variant 3: Calm"))
    page.keyboard.press("Space")
    expect(page.locator("#variants-count")).to_contain_text("2 of them served")
    press_continue(page, "Traffic")


def press_continue(page: Page, title: str) -> None:
    tab_to(page, page.get_by_role("button", name="Continue", exact=True).last)
    page.keyboard.press("Enter")
    expect(page).to_have_title(f"New optimization: {title} | Levered")


def test_an_optimization_goes_live_by_keyboard_alone(
    page: Page, complaints: list[str]
) -> None:
    staff_world.make_world()
    log_in(page)
    page.goto("/admin/optimizations/optimization/")
    tab_to(page, page.get_by_title("Add optimization"))
    page.keyboard.press("Enter")
    type_goal(page)
    type_factor(page)
    tab_to(page, page.get_by_label("Expected users"))
    page.keyboard.type("5000")
    page.keyboard.press("Enter")
    expect(page).to_have_title("New optimization: Review | Levered")
    tab_to(page, page.get_by_role("button", name="Create and go live…", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Create and go live", exact=True))
    page.keyboard.press("Enter")

    expect(page.get_by_text("Created: By keyboard. It is live")).to_be_visible()
    created = Optimization.objects.get(name="By keyboard")
    assert (created.status, created.expected_users) == ("live", 5000)
    assert created.excluded_combinations == [{"headline": "Calm"}]
    assert complaints == []


def hold_save(page: Page) -> list[Route]:
    """Return the list of saves that wait to be let through; at first there are none."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.resource_type == "xhr":
            held.append(route)
        else:
            route.continue_()

    page.route("**/admin/**", hold)
    return held


def test_answers_survive_reload_and_the_back_button(page: Page) -> None:
    """What was typed in a step that was left, and in one that was not."""
    staff_world.make_world()
    log_in(page)
    open_form(page)
    answer_goal(page)
    fill_factor(page, "Design factor 1", "headline", "Plain", "Bold")
    page.keyboard.press("Tab")
    expect(page.locator("#variants-count")).to_contain_text("2 of at most 100")

    page.reload()
    expect(find_factor(page, "Design factor 1").get_by_label("Name")).to_have_value(
        "headline"
    )
    page.go_back()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Landing page")
    expect(page.locator("#metric").get_by_label("Purchases")).to_be_checked()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    save = hold_save(page)
    page.get_by_label("Name", exact=True).fill("Renamed")
    with page.expect_request(lambda request: request.resource_type == "xhr"):
        page.keyboard.press("Tab")
    continued = page.get_by_role("button", name="Continue", exact=True).last
    continued.click(no_wait_after=True)
    expect(page).to_have_title("New optimization: Goal | Levered")
    save.pop().continue_()
    expect(page).to_have_title("New optimization: Variants | Levered")
    assert failed == []
    press(page, "Back")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Renamed")


def test_a_metric_is_found_among_many(page: Page, complaints: list[str]) -> None:
    world = staff_world.make_world()
    for number in range(12):
        staff_world.make_metric(world.organization, f"Clicks {number:02}")
    log_in(page)
    open_form(page)
    metric = page.locator("#metric")

    expect(metric.get_by_label("Purchases")).to_have_count(0)
    page.get_by_label("Search metric").type("PURCH")
    expect(metric.get_by_role("radio")).to_have_count(2)
    metric.get_by_label("Purchases").check()
    expect(page.locator("#metric-summary")).to_contain_text("“Purchases” counts users")
    metric.get_by_text("SQL of Purchases").click()
    expect(metric.locator("pre")).to_contain_text("WHERE name = 'purchase'")
    page.get_by_label("Search metric").fill("nothing like it")
    expect(metric.get_by_text("No name contains")).to_be_visible()
    expect(metric.get_by_label("Purchases")).to_be_checked()
    assert complaints == []


def test_the_organization_decides_which_metrics_there_are(page: Page) -> None:
    world, other = staff_world.make_world(), staff_world.make_world("Beta")
    staff_world.make_metric(other.organization, "Beta metric")
    log_in(page)
    open_form(page)

    expect(
        page.get_by_text("Choose an organization to see its metrics")
    ).to_be_visible()
    page.get_by_label(other.organization.name).check()
    expect(page.locator("#metric").get_by_label("Beta metric")).to_be_visible()
    page.get_by_label(world.organization.name).check()
    expect(page.locator("#metric").get_by_label("Beta metric")).to_have_count(0)
    expect(page.locator("#metric").get_by_label("Purchases")).to_be_visible()


def test_no_step_is_cut_at_any_width(page: Page, complaints: list[str]) -> None:
    staff_world.make_world(name="An organization")
    log_in(page)
    open_form(page)
    long = (
        "A headline that says everything about the product at once, unbroken" + "x" * 60
    )
    answer_goal(page, name="LandingPageOfTheShop" * 5)
    fill_factor(page, "Design factor 1", "headline" * 8, long, "Bold", "Calm")
    page.get_by_role("button", name="Add design factor").click()
    fill_factor(page, "Design factor 2", "color", "blue", "x" * 150)
    press(page, "Continue")
    expect(page).to_have_title("New optimization: Traffic | Levered")
    page.get_by_label("Holdout").fill("200")
    press(page, "Continue")
    expect(page.locator("#problems")).to_be_visible()

    found = {}
    for width in (1400, 768, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for step in ("goal", "factors", "traffic", "review"):
            page.goto(page.url.rpartition("?")[0] or page.url)
            page.locator(f"button[value='go:{step}'].create-step").click()
            expect(page.locator(".create-current")).to_have_attribute(
                "value", f"go:{step}"
            )
            found[width, step] = page.evaluate(LIST_CUT)
    assert {place: cut for place, cut in found.items() if cut} == {}
    assert complaints == []


def test_a_person_uploads_a_screenshot(
    page: Page, complaints: list[str], tmp_path: Path
) -> None:
    """A file that is too large is refused before it is sent."""
    world = staff_world.make_world()
    variant = world.optimization.variants.get(number=2)
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(pictures.build_png())
    large.write_bytes(pictures.build_png(filler=screenshots.MAX_SCREENSHOT_BYTES))
    log_in(page)
    page.goto(reverse("admin:optimizations_variant_change", args=[variant.pk]))
    page.get_by_role("link", name="Upload a screenshot").click()

    page.get_by_label("Screenshot").set_input_files(large)
    expect(page.get_by_text(screenshots.TOO_LARGE_MESSAGE)).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    page.get_by_label("Screenshot").set_input_files(small)
    expect(page.get_by_text(screenshots.TOO_LARGE_MESSAGE)).to_be_hidden()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Saved the screenshot of variant 2.")).to_be_visible()
    expect(page.get_by_alt_text("Screenshot of variant 2")).to_be_visible()
    for width in (1400, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(LIST_CUT) == []
    page.get_by_role("link", name="Variant 3").click()
    expect(page.get_by_role("heading", name="Screenshot of variant 3")).to_be_visible()
    assert complaints == []

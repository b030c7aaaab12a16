"""The results of an optimization in a real browser: widths, keyboard, a training live."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.admin import page_head
from optimizations.admin.tabs import registry
from optimizations.models import Optimization
from tests.support import (
    chromium,
    optimization_factories,
    pictures,
    staff_world,
    unhealthy_worlds,
)
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
IS_WIDER = (
    "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"
)


PDF_PAGE = re.compile(rb"/Type\s*/Page\b")
IS_CUT = """(card) => card.querySelector(".chart-frame") !== null
  && getComputedStyle(card).breakInside !== "avoid"
"""


def test_no_tab_scrolls_sideways_at_any_width(
    page: Page, complaints: list[str]
) -> None:
    """Colors change no width: test_accessibility.py looks at both schemes."""
    optimization, _ = unhealthy_worlds.make_violated_guardrail()
    log_in(page)

    wide = []
    for name in (*(tab.name for tab in registry.TABS), registry.SETTINGS):
        page.goto(registry.build_url(optimization, name))
        for width in (360, 768, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            expect(page.locator(".opt-tabs a[aria-current=page]")).to_be_visible()
            if page.evaluate(IS_WIDER):
                wide.append((name, width))
    assert wide == []
    assert complaints == []


def test_the_verdict_turns_with_a_broken_split_and_offers_no_step(page: Page) -> None:
    optimization = unhealthy_worlds.make_broken_split()
    log_in(page)

    page.goto(registry.build_url(optimization, "results"))

    verdict = page.get_by_role("region", name="Do not read these numbers yet")
    expect(verdict).to_contain_text("users of one arm are lost")
    expect(verdict.get_by_role("link", name="Ship")).to_have_count(0)
    expect(page.locator(".opt-figures")).to_contain_text("withheld while the arms")
    assert page.evaluate("typeof window.Chart") == "undefined"


def test_everything_in_the_head_is_reached_by_keyboard(page: Page) -> None:
    world = staff_world.make_world()
    log_in(page)
    page.goto(registry.build_url(world.optimization, "results"))

    page.locator("summary[aria-label='More actions']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Train now")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Train now")).to_be_focused()
    page.locator(".opt-tabs").get_by_role("link", name="Variants").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".opt-tabs a[aria-current=page]")).to_have_text("Variants")


def test_a_training_is_followed_live_until_it_has_ended(
    page: Page, complaints: list[str]
) -> None:
    world = staff_world.make_world()
    run = runs.request_training(world.optimization.model, requested_by="clock")
    rows = TrainingRun.objects.filter(pk=run.pk)
    log_in(page)
    page.goto(registry.build_url(world.optimization, "results"))
    bar = page.locator(".opt-training")
    expect(bar).to_contain_text("waits for a worker")

    rows.update(status="running", progress=0.5)
    expect(bar).to_contain_text("A training is running: 50%.")
    rows.update(status="succeeded", progress=1.0, policy_version=3)
    expect(bar).to_contain_text("policy version 3 was published")

    assert bar.get_attribute("hx-trigger") is None
    assert complaints == []


def print_pages(page: Page) -> int:
    """Print the page that is open, and return how many sheets it takes."""
    page.emulate_media(media="print")
    return len(PDF_PAGE.findall(page.pdf(prefer_css_page_size=True)))


def make_a_hundred_variants() -> tuple[Optimization, Metric]:
    """Make a trained optimization of 100 variants with long names and screenshots."""
    factors = [
        optimization_factories.make_factor(
            name, *(f"the {name} with number {number}" for number in range(10))
        )
        for name in ("headline", "color")
    ]
    config = optimization_factories.make_config(design_factors=factors)
    made = unhealthy_worlds.make_violated_guardrail(training_data_config=config)
    made[0].variants.update(screenshot=pictures.build_png())
    return made


def test_a_hundred_variants_print_on_four_pages_and_the_report_needs_no_network(
    page: Page, complaints: list[str], tmp_path: Path
) -> None:
    optimization, refunds = make_a_hundred_variants()
    report_path = reverse(f"admin:{page_head.REPORT_URL}", args=[optimization.pk])
    file = tmp_path / "report.html"
    log_in(page)
    page.emulate_media(color_scheme="dark")
    page.goto(registry.build_url(optimization, "results"))
    expect(page.locator("html.dark")).to_have_count(1)

    assert print_pages(page) <= 4
    for unprinted in ("#nav-sidebar", ".opt-tabs", ".opt-actions", ".chart-numbers"):
        expect(page.locator(unprinted).first).to_be_hidden()
    cut = [card for card in page.locator(".staff-card").all() if card.evaluate(IS_CUT)]
    sentence = page.locator(".opt-answer p").first
    file.write_bytes(page.context.request.get(report_path).body())

    assert cut == []
    expect(sentence).to_have_css("color", "rgb(55, 65, 81)")
    assert complaints == []
    page.context.set_offline(True)
    page.emulate_media(media="screen", color_scheme="dark")
    page.goto(file.as_uri())
    title = f"A guardrail suffers: {refunds.name}"
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("img", name="Lift over time").first).to_be_visible()
    expect(page.locator("body")).to_have_css("background-color", "rgb(11, 18, 32)")
    others = page.locator(".doc-more > summary")
    expect(others).to_contain_text("And 88 others, together: share of traffic ")
    others.click()
    expect(page.locator(".doc-table tbody tr")).to_have_count(100)
    assert print_pages(page) <= 4
    assert set(complaints) == {file.as_uri()}

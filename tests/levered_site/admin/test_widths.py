"""The admin on narrow screens: nothing is cut, in a real browser."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import chromium, staff_world, unhealthy_worlds
from tests.support.learning import train_model
from tests.support.staff_browser import LIST_CUT, log_in

# The page of an optimization begins with its results, those of all else are forms.
FIRST_ROW = "#result_list tbody :is(a[href*='/change/'], a[href*='/results/'])"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]

WIDTHS = (390, 1280)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_guardrails_and_cuts_nothing(
    page: Page, complaints: list[str], scheme: Any
) -> None:
    optimization, _ = unhealthy_worlds.make_violated_guardrail()
    train_model(optimization)
    log_in(page)
    page.emulate_media(color_scheme=scheme)
    path = reverse("admin:optimizations_optimization_change", args=[optimization.pk])

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)

        title = page.get_by_role("heading", name="Guardrails", exact=True)
        guardrails = page.locator(".staff-card", has=title)
        guardrails.get_by_text("All figures of the guardrails").click()
        expect(guardrails).to_contain_text("Refunds")
        expect(guardrails.locator(".staff-pill", has_text="violated")).to_be_visible()
        expect(guardrails).to_contain_text("92 %: +")
        assert page.evaluate(LIST_CUT) == []
    assert complaints == []


LIST_BROKEN_NUMBERS = """() => [...document.querySelectorAll(".staff-table td")]
  .filter((cell) => /^[+-]?[\\d,.]+\\s%$/.test(cell.textContent.trim()))
  .filter((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map((box) => box.top)).size > 1;
  })
  .map((cell) => cell.textContent)"""
LIST_WIDE_LINKS = """() => [...document.querySelectorAll(".staff-card a")]
  .filter((link) => link.getBoundingClientRect().right
    > link.closest(".staff-card").getBoundingClientRect().right)
  .map((link) => link.textContent)"""


def test_a_long_name_of_a_guardrail_breaks_and_numbers_do_not(page: Page) -> None:
    optimization, refunds = unhealthy_worlds.make_violated_guardrail()
    optimization.name = "whale10"
    optimization.save()
    refunds.name = "RefundsAndChargebacksOfCustomersWhoBoughtOnlyOnceWithinAYear"
    refunds.save()
    log_in(page)
    path = reverse("admin:optimizations_optimization_change", args=[optimization.pk])

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)

        expect(page.locator(f"a[href='{path}']").first).to_have_text("whale10")
        page.get_by_text("All figures of the guardrails").click()
        expect(page.get_by_role("link", name=refunds.name)).to_be_visible()
        assert page.evaluate(LIST_WIDE_LINKS) == []
        assert page.evaluate(LIST_BROKEN_NUMBERS) == []
        assert page.evaluate(LIST_CUT) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_list_or_form_is_cut(page: Page, width: int) -> None:
    """Open every list, and one object of each."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    staff_world.send_traffic(world.optimization, 100)
    train_model(world.optimization)
    log_in(page)
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(reverse("admin:index"))
    cut = {"overview": page.evaluate(LIST_CUT)}
    for model in site._registry:
        options = model._meta
        page.goto(reverse(f"admin:{options.app_label}_{options.model_name}_changelist"))
        cut[f"list of {options.model_name}"] = page.evaluate(LIST_CUT)
        first = page.locator(FIRST_ROW).first
        if first.count():
            page.goto(str(first.get_attribute("href")))
            cut[f"form of {options.model_name}"] = page.evaluate(LIST_CUT)

    assert {name: found for name, found in cut.items() if found} == {}

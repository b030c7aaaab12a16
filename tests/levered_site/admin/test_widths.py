"""The admin on narrow screens: nothing is cut, in a real browser."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import chromium, staff_world, unhealthy_worlds
from tests.support.learning import train_model
from tests.support.page_widths import LIST_CUT
from tests.support.staff_browser import log_in

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


def find_cut(page: Page, path: str) -> dict[int, list[str]]:
    """Open a page and return what is cut, by the widths that cut something."""
    page.goto(path)
    cut = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        cut[width] = page.evaluate(LIST_CUT)
    return {width: found for width, found in cut.items() if found}


def test_no_list_or_form_is_cut(page: Page) -> None:
    """Open every list, and one object of each."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    staff_world.send_traffic(world.optimization, 100)
    train_model(world.optimization)
    log_in(page)

    cut = {"overview": find_cut(page, reverse("admin:index"))}
    for model in site._registry:
        name = model._meta.model_name
        path = reverse(f"admin:{model._meta.app_label}_{name}_changelist")
        cut[f"list of {name}"] = find_cut(page, path)
        first = page.locator(FIRST_ROW).first
        if first.count():
            cut[f"form of {name}"] = find_cut(page, str(first.get_attribute("href")))

    assert {name: found for name, found in cut.items() if found} == {}

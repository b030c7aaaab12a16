"""The preview menu: for whoever asks for it, by keyboard, and never counted."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.javascript_client import PROGRAMS, run_node
from tests.support.shop_site import TIMEOUT_MS, Site
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

OWN_PROGRAMS = Path(__file__).parent / "programs"
# Styles that would hide the menu, and a shortcut that would take what is typed there.
PAGE = """<!doctype html><title>Shop</title>
<style>
  div:not(#root, #root *), form, button { display: none !important; opacity: 0 !important }
  * { color: white; font-size: 1px }
</style>
<script type="importmap">{"imports": {"react": "./react.js"}}</script>
<div id="root"></div>
<script type="module">
import * as React from "react";
import { LeveredClient } from "./sdk/index.js";
import * as levered from "./sdk/react.js";
import { makeApp } from "./menu_app.mjs";

window.errors = [];
window.shortcuts = [];
document.addEventListener("keydown", ({ key }) => shortcuts.push(key));
window.client = new LeveredClient({
  apiUrl: "%(url)s", apiKey: "%(key)s", timeoutMs: %(timeout)d,
  onError: (error) => errors.push(error.message),
});
const app = React.createElement(
  makeApp({ ...React, ...levered }), { optimizationId: %(id)s });
const provided = { client, variants: %(variants)s };
React.createRoot(document.querySelector("#root")).render(
  React.createElement(levered.LeveredProvider, provided, app));
</script>
"""
MENU = "#levered-admin-menu button[aria-controls=panel]"
PANEL = "#levered-admin-menu #panel"
FOCUSED = (
    "document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-controls')"
)


def make_optimization(*, public_policy: bool) -> Optimization:
    """Make an optimization of a headline and a call to action."""
    return optimization_factories.make_live_optimization(
        holdout_percentage=0, public_policy=public_policy
    )


def write_page(site: Site, url: str, optimization: Optimization, **fields: Any) -> str:
    """Write a page with the application; return its address."""
    run_node(PROGRAMS / "bundle_react.mjs", site.folder / "react.js")
    shutil.copy(OWN_PROGRAMS / "menu_app.mjs", site.folder)
    key = tracking.make_publishable_key(
        optimization.organization, origins=(site.origin,)
    )
    shown = {"id": json.dumps(str(optimization.pk)), "variants": "{}", **fields}
    text = PAGE % {**shown, "url": url, "key": key, "timeout": TIMEOUT_MS}
    (site.folder / "menu.html").write_text(text)
    return f"{site.origin}/menu.html"


def open_by_keyboard(page: Page) -> None:
    """Press Tab until the menu's button is reached, and open it."""
    page.wait_for_selector(MENU)
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "panel":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{PANEL} [role=status]")


def get_levels(optimization: Optimization, factor: str) -> set[str]:
    """Return the levels of a factor."""
    return {variant.levels[factor] for variant in optimization.variants.all()}


def test_visitors_neither_see_nor_load_the_menu(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto(write_page(site, live_server.url, make_optimization(public_policy=True)))
    expect(page.locator("h1")).not_to_have_text("Fallback/Go")

    assert not page.locator(MENU).count()
    assert not [url for url in loaded if "sdk/menu" in url]


def open_shop(page: Page, site: Site, url: str, optimization: Optimization) -> str:
    """Open the page with its menu; return what it shows."""
    page.goto(f"{write_page(site, url, optimization)}?levered_admin#top")
    heading = page.locator("h1")
    expect(heading).not_to_have_text("Fallback/Go")
    open_by_keyboard(page)
    return heading.inner_text()


def choose_headline(page: Page, headline: str) -> None:
    """Choose a level and preview it, by keyboard."""
    page.locator(f"{PANEL} label:has-text('headline') select").focus()
    page.keyboard.type(headline)
    page.focus(f"{PANEL} button[type=submit]")
    page.keyboard.press("Enter")


def test_the_menu_lists_the_levels_of_each_optimization_of_the_page(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    optimization = make_optimization(public_policy=True)
    shown = open_shop(page, site, live_server.url, optimization)

    assert page.inner_text(f"{PANEL} legend") == str(optimization.pk)
    chosen = []
    for factor in ("headline", "cta"):
        field = page.locator(f"{PANEL} label:has-text('{factor}') select")
        levels = {json.dumps(level) for level in get_levels(optimization, factor)}
        texts = set(field.locator("option").all_inner_texts())
        assert texts == {level.strip('"') for level in levels}
        chosen.append(field.input_value())
    assert "/".join(chosen) == shown


def test_the_menu_previews_levels_by_keyboard_and_counts_nothing(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    optimization = make_optimization(public_policy=True)
    headline, cta = open_shop(page, site, live_server.url, optimization).split("/")
    counted = Assignment.objects.count()
    (other,) = get_levels(optimization, "headline") - {headline}

    choose_headline(page, other)
    expect(page.locator("h1")).to_have_text(f"{other}/{cta}")
    page.click("#buy")

    (value,) = parse_qs(urlsplit(page.url).query)["levered_variant"]
    forced = {"headline": other, "cta": json.loads(cta)}
    assert value.partition(":")[0] == str(optimization.pk)
    assert json.loads(value.partition(":")[2]) == forced
    assert page.evaluate("client.flush()") is True
    assert Assignment.objects.count() == counted
    assert not ManagedExposure.objects.exists()
    assert not ManagedReward.objects.exists()
    assert page.evaluate("errors") == []


def test_escape_closes_the_menu_and_reset_ends_the_preview(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    optimization = make_optimization(public_policy=True)
    shown = open_shop(page, site, live_server.url, optimization)
    (other,) = get_levels(optimization, "headline") - {shown.partition("/")[0]}
    choose_headline(page, other)
    expect(page.locator("h1")).not_to_have_text(shown)
    open_by_keyboard(page)
    assert "nothing on this page counts" in page.inner_text(f"{PANEL} [role=status]")
    pressed = page.evaluate("shortcuts")

    page.keyboard.press("Escape")
    assert page.is_hidden(PANEL)
    assert page.evaluate(FOCUSED) == "panel"
    page.keyboard.press("Enter")
    page.click(f"{PANEL} button:has-text('Reset')")

    expect(page.locator("h1")).to_have_text(shown)
    assert page.url.endswith("?levered_admin=#top")
    assert set(pressed) <= {"Tab"}


def test_without_a_public_policy_levels_are_typed(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    optimization = make_optimization(public_policy=False)
    variants = {str(optimization.pk): {"headline": "From the server", "cta": "Go"}}
    address = write_page(
        site, live_server.url, optimization, variants=json.dumps(variants)
    )
    page.goto(f"{address}?levered_admin")
    open_by_keyboard(page)

    page.fill(f"{PANEL} input >> nth=0", 'A "new" one')
    page.keyboard.press("Enter")

    # The preview goes before what a server has rendered.
    expect(page.locator("h1")).to_have_text('A "new" one/Go')
    assert not Assignment.objects.exists()


def test_a_prototype_previews_factors_of_its_own_without_an_optimization(
    page: Page, site: Site, live_server: LiveServer
) -> None:
    optimization = make_optimization(public_policy=False)
    page.goto(write_page(site, live_server.url, optimization, id="null"))
    page.click(MENU)

    page.select_option(f"{PANEL} select >> nth=1", "Three")
    page.click(f"{PANEL} button[type=submit]")
    expect(page.locator("h1")).to_have_text('{"layout":"wide","columns":3}')
    page.evaluate("client.track('purchase')")
    assert page.evaluate("client.flush()") is True

    assert not ManagedReward.objects.exists()
    page.click(f"{PANEL} button:has-text('Reset')")
    expect(page.locator("h1")).to_have_text('{"layout":"wide","columns":2}')
    assert page.evaluate("client.forced") == []

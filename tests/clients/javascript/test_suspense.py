"""React's Suspense: a component waits for its variant, in a page and on a server."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.javascript_client import PROGRAMS, run_node
from tests.support.shop_site import TIMEOUT_MS, Site

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

OWN_PROGRAMS = Path(__file__).parent / "programs"
# Notes each headline that the visitor could have seen, from the first one on.
PAGE = """<!doctype html><title>Shop</title>
<script type="importmap">{"imports": {"react": "./react.js"}}</script>
<div id="root">%(html)s</div>
<script>
window.seen = [];
window.errors = [];
const root = document.querySelector("#root");
const note = () => {
  const text = [...root.querySelectorAll("h1")].map((h1) => h1.textContent).join();
  if (text && text !== seen.at(-1)) seen.push(text);
};
new MutationObserver(note).observe(root, {
  childList: true, characterData: true, subtree: true,
});
note();
</script>
<script type="module">
import * as React from "react";
import { LeveredClient } from "./sdk/index.js";
import * as levered from "./sdk/react.js";
import { makeApp } from "./suspense_app.mjs";

window.client = new LeveredClient({
  apiUrl: "%(url)s", apiKey: "%(key)s", timeoutMs: %(timeout)d,
  onError: (error) => errors.push(error.message),
});
const app = React.createElement(
  makeApp({ ...React, ...levered }), { optimizationId: "%(id)s", notes: %(notes)s });
const tree = React.createElement(levered.LeveredProvider, { client }, app);
const onRecoverableError = (error) => errors.push(error.message);
if (root.firstChild) window.root = React.hydrateRoot(root, tree, { onRecoverableError });
else React.createRoot(root).render(tree);
</script>
"""
SHOWN = "document.querySelector('h1[data-loading=false]')?.textContent"
# React marks the nodes that it has hydrated.
HYDRATED = "Object.keys(document.querySelector('h1')).some((k) => /^__react/.test(k))"


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button."""
    return optimization_factories.make_live_optimization(holdout_percentage=0)


def write_page(
    site: Site, optimization: Optimization, url: str, html: str = "", notes: str = "[]"
) -> str:
    """Write a page with the application; return its address."""
    react = site.folder / "react.js"
    run_node(PROGRAMS / "bundle_react.mjs", react)
    react.write_text(
        f'{react.read_text()}export const {{ Suspense }} = require("react");'
    )
    shutil.copy(OWN_PROGRAMS / "suspense_app.mjs", site.folder)
    key = tracking.make_publishable_key(
        optimization.organization, origins=(site.origin,)
    )
    fields = {"url": url, "key": key, "id": optimization.pk, "timeout": TIMEOUT_MS}
    fields |= {"html": html, "notes": notes}
    (site.folder / "suspense.html").write_text(PAGE % fields)
    return f"{site.origin}/suspense.html"


def get_headline(optimization: Optimization) -> str:
    """Return the headline of the only assignment."""
    number = Assignment.objects.get().variant_number
    return str(optimization.variants.get(number=number).levels["headline"])


def test_a_component_waits_in_suspense_and_never_shows_its_fallback(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    page.goto(write_page(site, optimization, live_server.url))

    shown = page.wait_for_function(SHOWN).json_value()

    assert shown == get_headline(optimization)
    assert page.evaluate("seen") == ["Waiting", shown]
    assert page.evaluate("errors") == []


def test_without_a_service_suspense_ends_with_the_fallback(
    page: Page, site: Site, optimization: Optimization
) -> None:
    page.goto(write_page(site, optimization, "http://127.0.0.1:9"))

    assert page.wait_for_function(SHOWN).json_value() == "Fallback"

    assert page.evaluate("seen") == ["Waiting", "Fallback"]
    assert len(page.evaluate("errors")) == 1


@pytest.mark.parametrize("is_away", [False, True])
def test_each_component_that_waits_fills_in_its_own_fallback(
    page: Page,
    site: Site,
    live_server: LiveServer,
    optimization: Optimization,
    *,
    is_away: bool,
) -> None:
    url = "http://127.0.0.1:9" if is_away else live_server.url
    page.goto(write_page(site, optimization, url, notes='["red", "blue"]'))

    headline = page.wait_for_function(SHOWN).json_value()

    shown = page.eval_on_selector_all("p", "all => all.map((each) => each.textContent)")
    assert shown == [f"{headline}: red", f"{headline}: blue"]
    assert headline == ("Fallback" if is_away else get_headline(optimization))


def test_a_server_that_streams_renders_what_the_page_hydrates_without_a_flash(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    arguments = (live_server.url, optimization.pk, "visitor-1")
    html = run_node(OWN_PROGRAMS / "stream_react.mjs", *arguments).strip()
    headline = get_headline(optimization)
    assert f'<h1 data-loading="false">{headline}</h1>' in html
    assert "Waiting" not in html
    page.context.add_cookies(
        [{"name": "levered_id", "value": "visitor-1", "url": site.origin}]
    )

    page.goto(write_page(site, optimization, live_server.url, html))
    page.wait_for_function(HYDRATED)

    assert page.evaluate("seen") == [headline]
    assert page.evaluate("errors") == []
    assert Assignment.objects.count() == 1

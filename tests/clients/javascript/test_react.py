"""React: a page that decides, and a page that hydrates what a server decided."""

import json
import shutil
from typing import Any

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.javascript_client import PROGRAMS, run_node
from tests.support.shop_site import TIMEOUT_MS, Site, wait_until
from warehouse.models import ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

PAGE = """<!doctype html><title>Shop</title>
<script type="importmap">{"imports": {"react": "./react.js"}}</script>
<div id="root">%(html)s</div>
<script type="module">
import * as React from "react";
import { LeveredClient } from "./sdk/index.js";
import * as levered from "./sdk/react.js";
import { makeApp } from "./react_app.mjs";

const { createElement, StrictMode } = React;
window.errors = [];
window.noted = [];
window.client = new LeveredClient({
  apiUrl: "%(url)s", apiKey: "%(key)s", timeoutMs: %(timeout)d,
  onError: (error) => errors.push(error.message),
});
const App = makeApp({ ...React, ...levered });
const provided = { client, variants: %(variants)s };
const onVariant = (variant) => void noted.push(variant);
const props = { optimizationId: "%(id)s", notes: %(notes)s, onVariant };
const tree = createElement(StrictMode, null, createElement(
  levered.LeveredProvider, provided, createElement(App, props)));
const root = document.querySelector("#root");
const onRecoverableError = (error) => errors.push(error.message);
if (root.firstChild) React.hydrateRoot(root, tree, { onRecoverableError });
else React.createRoot(root).render(tree);
window.isRendered = true;
</script>
"""
LOADED = "document.querySelector('h1[data-loading=false]')?.textContent"


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button."""
    return optimization_factories.make_live_optimization(holdout_percentage=0)


def write_page(site: Site, optimization: Optimization, url: str, **fields: Any) -> str:
    """Write a page with the application; return its address."""
    run_node(PROGRAMS / "bundle_react.mjs", site.folder / "react.js")
    shutil.copy(PROGRAMS / "react_app.mjs", site.folder)
    key = tracking.make_publishable_key(
        optimization.organization, origins=(site.origin,)
    )
    defaults = {"html": "", "variants": "{}", "notes": "[]", "timeout": TIMEOUT_MS}
    text = PAGE % {**defaults, "url": url, "key": key, "id": optimization.pk, **fields}
    (site.folder / "react.html").write_text(text)
    return f"{site.origin}/react.html"


def get_headline(optimization: Optimization) -> str:
    """Return the headline of the only assignment."""
    number = Assignment.objects.get().variant_number
    return str(optimization.variants.get(number=number).levels["headline"])


def test_a_component_shows_the_variant_and_tracks_a_purchase(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(error.message))
    page.goto(write_page(site, optimization, live_server.url))

    shown = page.wait_for_function(LOADED).json_value()
    page.click("#more")

    assert shown == get_headline(optimization)
    headlines = page.eval_on_selector_all(
        "h1", "all => all.map((each) => [each.textContent, each.dataset.loading])"
    )
    assert headlines == [[shown, "false"]] * 2
    page.click("#buy")
    wait_until(page, ManagedReward.objects.exists)
    reward, assignment = ManagedReward.objects.get(), Assignment.objects.get()
    assert reward.anonymous_id == assignment.anonymous_id
    page.click("#less")
    assert page.evaluate("errors") == problems == []


def test_each_component_fills_in_its_own_fallback_and_keeps_its_variant(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    notes = json.dumps(["red", "blue"])
    page.goto(write_page(site, optimization, live_server.url, notes=notes))
    page.wait_for_function(
        "document.querySelectorAll('p[data-loading=false]').length == 2"
    )
    changed = page.evaluate("noted.length")

    page.click("#more")

    headline = get_headline(optimization)
    shown = page.eval_on_selector_all("p", "all => all.map((each) => each.textContent)")
    assert shown == [f"{headline}: red", f"{headline}: blue"] * 2
    # The components of before rendered again, with a fallback that is a new object.
    assert page.evaluate("noted.length") == changed + 2
    assert Assignment.objects.count() == 1
    assert page.evaluate("errors") == []


def test_the_server_renders_the_variant_that_the_page_hydrates(
    page: Page,
    site: Site,
    live_server: LiveServer,
    optimization: Optimization,
    methods: list[str],
) -> None:
    arguments = (live_server.url, optimization.pk, "visitor-1")
    rendered = json.loads(run_node(PROGRAMS / "render_react.mjs", *arguments))
    headline = get_headline(optimization)
    assert f'<h1 data-loading="false">{headline}</h1>' in rendered["html"]
    address = write_page(
        site,
        optimization,
        live_server.url,
        html=rendered["html"],
        variants=json.dumps(rendered["variants"]),
    )
    page.context.add_cookies(
        [{"name": "levered_id", "value": "visitor-1", "url": site.origin}]
    )
    asked = len(methods)

    page.goto(address)
    page.wait_for_function("window.isRendered")
    page.click("#more")

    headlines = page.eval_on_selector_all("h1", "all => all.map((e) => e.textContent)")
    assert headlines == [headline] * 2
    assert page.evaluate("client.anonymousId") == "visitor-1"
    assert page.evaluate("errors") == []
    assert len(methods) == asked
    assert Assignment.objects.count() == 1


def test_a_component_that_leaves_aborts_its_request_and_reports_nothing(
    page: Page, site: Site, proxy: ChaosProxy, optimization: Optimization
) -> None:
    proxy.faults = [Fault(seconds=TIMEOUT_MS)]
    page.goto(write_page(site, optimization, proxy.url))
    wait_until(page, lambda: len(proxy.requests) == 1)

    with page.expect_event("requestfailed") as failed:
        page.click("#less")

    assert failed.value.failure == "net::ERR_ABORTED"
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
    assert page.evaluate("errors") == []


def test_without_a_service_the_component_shows_its_fallback(
    page: Page, site: Site, live_server: LiveServer, optimization: Optimization
) -> None:
    page.goto(write_page(site, optimization, "http://127.0.0.1:9"))

    assert page.wait_for_function(LOADED).json_value() == "Fallback"
    page.click("#less")
    (message,) = page.evaluate("errors")
    assert message.startswith("no answer from http://127.0.0.1:9/api/v2 (")

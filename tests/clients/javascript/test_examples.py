"""The pages of docs/examples decide, show and track, in a browser against the service."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.example_pages import EXAMPLES, Target, write_page
from tests.support.javascript_client import PACKAGE
from tests.support.shop_site import TIMEOUT_MS, run_site, wait_until
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

NAMES = ("page", "react", "vue")
FALLBACK = "Start free"


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button, with a public policy."""
    return optimization_factories.make_live_optimization(
        public_policy=True, holdout_percentage=0
    )


def find_recorded_headline(optimization: Optimization, visitor: str) -> str:
    """Return the headline that a visitor counts for, whoever decided."""
    exposure = ManagedExposure.objects.filter(anonymous_id=visitor).first()
    if exposure:
        return str(json.loads(exposure.variant)["headline"])
    number = Assignment.objects.get(anonymous_id=visitor).variant_number
    return str(optimization.variants.get(number=number).levels["headline"])


@pytest.mark.parametrize("name", NAMES)
def test_a_page_decides_shows_its_variant_and_tracks_a_purchase(
    page: Page,
    live_server: LiveServer,
    optimization: Optimization,
    built_pages: Path,
    tmp_path: Path,
    name: str,
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(error.message))
    with run_site(tmp_path) as site:
        key = tracking.make_publishable_key(
            optimization.organization, origins=(site.origin,)
        )
        target = Target(live_server.url, key, optimization.pk)
        write_page(built_pages, name, tmp_path, target)

        page.goto(site.origin)
        page.wait_for_function("document.cookie.includes('levered_id')")
        expect(page.locator("h1")).not_to_have_text(FALLBACK, timeout=TIMEOUT_MS)
        page.click("button")
        wait_until(page, ManagedReward.objects.exists)

        shown = page.inner_text("h1")

    reward = ManagedReward.objects.get()
    assert reward.name == "purchase"
    assert shown == find_recorded_headline(optimization, reward.anonymous_id)
    assert problems == []


@pytest.mark.parametrize("name", NAMES)
def test_while_the_service_is_away_a_visitor_of_before_keeps_the_variant(
    page: Page,
    proxy: ChaosProxy,
    optimization: Optimization,
    built_pages: Path,
    tmp_path: Path,
    name: str,
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    write_page(built_pages, name, tmp_path, Target(proxy.url, key, optimization.pk))
    headline = page.locator("h1")
    with run_site(tmp_path) as site:
        page.goto(site.origin)
        expect(headline).not_to_have_text(FALLBACK, timeout=TIMEOUT_MS)
        shown = page.inner_text("h1")
        proxy.faults = [Fault(503)]

        page.reload()
        expect(headline).to_have_text(shown, timeout=TIMEOUT_MS)

        page.evaluate("localStorage.clear()")
        page.context.clear_cookies()
        page.reload()
        page.wait_for_function("document.cookie.includes('levered_id')")
        expect(headline).to_be_visible()
        expect(headline).to_have_text(FALLBACK, timeout=TIMEOUT_MS)


def test_the_page_without_a_build_hides_itself_as_the_readme_says() -> None:
    page = (EXAMPLES / "page" / "index.html").read_text().splitlines()

    [script] = [line for line in page if line.startswith("<script>")]

    assert script in (PACKAGE / "README.md").read_text().splitlines()

"""A page of a shop in a real browser decides, shows, tracks and is left."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.javascript_client import read_example
from tests.support.shop_site import TIMEOUT_MS, Site, wait_until
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]

SHOP = """<!doctype html><title>Shop</title><h1></h1>
<script type="module">
import { LeveredClient } from "./sdk/index.js";
window.errors = [];
window.client = new LeveredClient({
  apiUrl: "%(url)s", apiKey: "%(key)s", mode: "%(mode)s", timeoutMs: %(timeout)d,
  onError: (error) => errors.push(error.message),
});
window.decision = await client.getDecision({
  optimizationId: "%(id)s", fallback: { headline: "Fallback" },
});
document.querySelector("h1").textContent = decision.variant.headline;
</script>
"""
README = """<!doctype html><h1></h1><button>Buy</button>
<script type="module">EXAMPLE</script>
"""
FRAME = '<!doctype html><iframe sandbox="allow-scripts" src="remote.html"></iframe>'


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button, with a public policy."""
    return optimization_factories.make_live_optimization(
        public_policy=True, holdout_percentage=0
    )


@pytest.fixture
def shop(site: Site, live_server: LiveServer, optimization: Optimization) -> str:
    """Write a page for each mode into the site; return the site's origin."""
    key = tracking.make_publishable_key(
        optimization.organization, origins=(site.origin,)
    )
    fields = {
        "url": live_server.url,
        "key": key,
        "id": optimization.pk,
        "timeout": TIMEOUT_MS,
    }
    for mode in ("remote", "local"):
        (site.folder / f"{mode}.html").write_text(SHOP % {**fields, "mode": mode})
    example = read_example(
        "In a page",
        sdk="./sdk/index.js",
        url=live_server.url,
        key=key,
        optimization_id=optimization.pk,
    )
    (site.folder / "readme.html").write_text(README.replace("EXAMPLE", example))
    (site.folder / "frame.html").write_text(FRAME)
    (site.folder / "thanks.html").write_text("<!doctype html><title>Thanks</title>")
    return site.origin


def _open(page: Page, address: str) -> str:
    """Open a page of the shop; return the headline that it shows."""
    page.goto(address)
    page.wait_for_function(
        "window.decision && document.querySelector('h1').textContent"
    )
    return page.inner_text("h1")


def test_a_page_decides_shows_and_tracks_a_purchase_while_it_is_left(
    page: Page, shop: str, optimization: Optimization, methods: list[str]
) -> None:
    shown = _open(page, f"{shop}/remote.html")

    assignment = Assignment.objects.get()
    variant = optimization.variants.get(number=assignment.variant_number)
    assert shown == variant.levels["headline"]
    visitor = page.evaluate("client.anonymousId")
    assert assignment.anonymous_id == visitor
    assert page.evaluate("localStorage.levered_id") == visitor
    assert page.evaluate("document.cookie") == f"levered_id={visitor}"

    page.evaluate("client.track('purchase'); location.href = 'thanks.html'")
    wait_until(page, ManagedReward.objects.exists)

    reward = ManagedReward.objects.get()
    assert (reward.anonymous_id, reward.name) == (visitor, "purchase")
    # Nobody answered the beacon: the next page sends the event again, and it is known.
    assert _open(page, f"{shop}/remote.html") == shown
    assert page.evaluate("client.flush()") is True
    assert ManagedReward.objects.count() == 1
    assert Assignment.objects.count() == 1
    assert page.evaluate("errors") == []
    assert "OPTIONS" not in methods


def test_two_tabs_and_a_page_that_comes_back_lose_and_repeat_nothing(
    page: Page, shop: str
) -> None:
    other = page.context.new_page()
    for tab in (page, other):
        _open(tab, f"{shop}/remote.html")
    assert len({tab.evaluate("client.anonymousId") for tab in (page, other)}) == 1

    for tab in (page, other):
        tab.evaluate("client.track('purchase'); location.href = 'thanks.html'")
    wait_until(page, lambda: ManagedReward.objects.count() == 2)
    page.go_back()
    page.wait_for_function("window.decision")
    page.evaluate("client.track('purchase')")

    assert page.evaluate("client.flush()") is True
    assert page.evaluate("errors") == []
    assert ManagedReward.objects.count() == 3
    assert Assignment.objects.count() == 1


def test_the_readmes_page_shows_a_headline_and_tracks_the_button(
    page: Page, shop: str, optimization: Optimization
) -> None:
    page.goto(f"{shop}/readme.html")
    page.wait_for_function("!!document.querySelector('button').onclick")

    page.click("button")
    wait_until(page, ManagedReward.objects.exists)

    assignment = Assignment.objects.get()
    variant = optimization.variants.get(number=assignment.variant_number)
    assert page.inner_text("h1") == variant.levels["headline"]
    assert ManagedReward.objects.get().anonymous_id == assignment.anonymous_id


def test_a_page_decides_by_the_signed_policy_and_keeps_its_variant(
    page: Page, shop: str, optimization: Optimization, methods: list[str]
) -> None:
    shown = _open(page, f"{shop}/local.html")

    assert page.evaluate("decision.source") == "local"
    assert page.evaluate("client.flush()") is True
    exposure = ManagedExposure.objects.get()
    assert exposure.anonymous_id == page.evaluate("client.anonymousId")
    assert _open(page, f"{shop}/local.html") == shown
    assert page.evaluate("decision.source") == "stored"
    assert page.evaluate("errors") == []
    assert Assignment.objects.count() == 0
    assert "OPTIONS" not in methods


def test_a_forced_variant_is_shown_and_never_counted(
    page: Page, shop: str, optimization: Optimization
) -> None:
    levels = quote('{"headline": "As designed"}')
    second = optimization.variants.get(number=3)

    addresses = {
        f"{shop}/remote.html?levered_variant={levels}": "As designed",
        f"{shop}/local.html?levered_variant={optimization.pk}:{levels}": "As designed",
        f"{shop}/remote.html?levered_variant=3": second.levels["headline"],
    }
    for address, headline in addresses.items():
        assert _open(page, address) == headline
        assert page.evaluate("decision.source") == "forced"
        page.evaluate("client.track('purchase')")
        assert page.evaluate("client.flush()") is True
        assert page.evaluate("errors") == []

    assert _open(page, f"{shop}/remote.html?levered_variant=99") == "Fallback"
    assert page.evaluate("errors") == ["there is no variant 99"]
    for model in (Assignment, ManagedExposure, ManagedReward):
        assert not model.objects.exists()


def test_a_page_that_may_not_store_decides_and_tracks(page: Page, shop: str) -> None:
    page.goto(f"{shop}/frame.html")
    frame = page.frames[1]
    frame.wait_for_function("window.decision")

    assert frame.evaluate("decision.source") == "remote"
    storage = (
        "(() => { try { return localStorage.length } catch (e) { return e.name } })()"
    )
    assert frame.evaluate(storage) == "SecurityError"
    assert Assignment.objects.get().anonymous_id == frame.evaluate("client.anonymousId")
    frame.evaluate("client.track('purchase')")
    frame.evaluate("client.flush()")
    # The key lists the shop's origin, and this page has none.
    assert "403" in frame.evaluate("errors")[0]

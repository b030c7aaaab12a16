"""A page of a shop in a real browser decides, shows, tracks and is left."""

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.signals import request_started
from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, optimization_factories, tracking
from tests.support.javascript_client import read_example, strip_sources
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]

# Headless chromium names itself a crawler.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"
TIMEOUT = 15_000
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


class _Files(SimpleHTTPRequestHandler):
    """The shop's files, which pages without an origin may load too."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the client as a browser loads it; return the folder above."""
    folder = tmp_path_factory.mktemp("shop")
    strip_sources(folder / "sdk")
    return folder


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button, with a public policy."""
    return optimization_factories.make_live_optimization(
        public_policy=True, holdout_percentage=0
    )


@pytest.fixture
def shop(
    sdk: Path, live_server: LiveServer, optimization: Optimization
) -> Iterator[str]:
    """Return the address of a shop with a page for each mode."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Files, directory=str(sdk))
    ) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        key = tracking.make_publishable_key(
            optimization.organization, origins=(origin,)
        )
        fields = {
            "url": live_server.url,
            "key": key,
            "id": optimization.pk,
            "timeout": TIMEOUT,
        }
        for mode in ("remote", "local"):
            (sdk / f"{mode}.html").write_text(SHOP % {**fields, "mode": mode})
        example = read_example(
            "In a page",
            sdk="./sdk/index.js",
            url=live_server.url,
            key=key,
            optimization_id=optimization.pk,
        )
        (sdk / "readme.html").write_text(README.replace("EXAMPLE", example))
        (sdk / "frame.html").write_text(FRAME)
        (sdk / "thanks.html").write_text("<!doctype html><title>Thanks</title>")
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        yield origin
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, in which Django would refuse
        # database access.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        # As an argument: a page's own user agent is not that of its last beacon.
        browser = playwright.chromium.launch(
            executable_path=str(chromium.PATH),
            args=[*chromium.ARGUMENTS, f"--user-agent={PERSON}"],
        )
        yield browser
        browser.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    connections.close_all()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page of a visitor whom nobody knows."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    yield page
    context.close()
    connections.close_all()


@pytest.fixture
def methods() -> Iterator[list[str]]:
    """Return a list of the methods of all requests to the service."""
    seen: list[str] = []

    def note_method(environ: dict[str, str], **_: object) -> None:
        seen.append(environ["REQUEST_METHOD"])

    request_started.connect(note_method)
    yield seen
    request_started.disconnect(note_method)


def _wait_until(page: Page, is_reached: Callable[[], bool]) -> None:
    for _ in range(TIMEOUT // 50):
        if is_reached():
            return
        page.wait_for_timeout(50)
    pytest.fail("waited in vain")


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
    _wait_until(page, ManagedReward.objects.exists)

    reward = ManagedReward.objects.get()
    assert (reward.anonymous_id, reward.name) == (visitor, "purchase")
    # Nobody answered the beacon: the next page sends the event again, and it is known.
    assert _open(page, f"{shop}/remote.html") == shown
    assert page.evaluate("client.flush()") is True
    assert ManagedReward.objects.count() == 1
    assert Assignment.objects.count() == 1
    assert page.evaluate("errors") == []
    assert "OPTIONS" not in methods


def test_the_readmes_page_shows_a_headline_and_tracks_the_button(
    page: Page, shop: str, optimization: Optimization
) -> None:
    page.goto(f"{shop}/readme.html")
    page.wait_for_function("!!document.querySelector('button').onclick")

    page.click("button")
    _wait_until(page, ManagedReward.objects.exists)

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

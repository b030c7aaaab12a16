"""A page with React and no backend of its own, while its service is killed and returns.

The page is that of docs/examples/react, compiled, in a real browser; the service is
`manage.py up` with its own stores.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support import chromium
from tests.support.example_pages import Target, write_page
from tests.support.running_service import (
    PATIENCE,
    Service,
    home_named,
    issue_token,
    until,
)
from tests.support.shop_site import TIMEOUT_MS, Site, run_site

pytestmark = [
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

FALLBACK = "Start free"
LEVELS = ["Save hours", "Work less"]
METRIC = {
    "name": "Purchases",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'purchase' AND timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}
CONFIG = {
    "reward": {"name": "purchase", "type": "bool"},
    "design_factors": [{"name": "headline", "dtype": "str", "levels": LEVELS}],
}
QUEUED = "Object.keys(localStorage).filter((key) => key.startsWith('levered_event_'))"


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop's site, and the optimization of its page in the running service."""

    site: Site
    service: Service
    api: httpx.Client
    optimization_id: str

    def count_results(self) -> dict[str, int]:
        """Count users and conversions of all variants, as the results say."""
        path = f"/optimizations/{self.optimization_id}/results"
        answer = self.api.get(path, params={"refresh": "true"}).raise_for_status()
        variants = answer.json()["variants"]
        return {
            name: sum(each[name] for each in variants)
            for name in ("users", "conversions")
        }

    def open_page(self, visitor: BrowserContext) -> Page:
        """Open the shop's page, and wait until it shows something."""
        page = visitor.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(self.site.origin)
        expect(page.locator("h1")).to_be_visible(timeout=TIMEOUT_MS)
        return page


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run a service that the test kills and starts again."""
    with home_named("browser") as running:
        running.start()
        yield running


def create(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create something in the service; return its document."""
    document: dict[str, Any] = api.post(path, json=body).raise_for_status().json()
    return document


@pytest.fixture
def shop(service: Service, built_pages: Path, tmp_path: Path) -> Iterator[Shop]:
    """Set the optimization up as its team would, and put the page on a site."""
    url = f"http://127.0.0.1:{service.port}"
    headers = {"Authorization": f"Bearer {issue_token(service.home)}"}
    with (
        run_site(tmp_path) as site,
        httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=60) as api,
    ):
        metric = create(api, "/warehouse/metrics", METRIC)
        optimization = create(
            api,
            "/optimizations",
            {
                "name": "Hero",
                "reward_metric_id": metric["id"],
                "training_data_config": CONFIG,
                "public_policy": True,
            },
        )
        key = create(
            api,
            "/api-keys",
            {
                "label": "shop page",
                "scopes": ["track"],
                "rewards": [{"name": "purchase", "min": 1, "max": 1}],
                "origins": [site.origin],
            },
        )
        target = Target(url, key["public_key"], optimization["id"])
        write_page(built_pages, "react", tmp_path, target)
        yield Shop(site, service, api, optimization["id"])


@pytest.fixture
def visitors(browser: Browser) -> Iterator[list[BrowserContext]]:
    """Return three people's browsers, which remember what pages store."""
    contexts = [browser.new_context() for _ in range(3)]
    yield contexts
    for context in contexts:
        context.close()


def wait_until_sent(page: Page) -> None:
    """Wait until the service has acknowledged every event of a page."""
    page.wait_for_function(f"{QUEUED}.length === 0")


def test_a_page_without_a_backend_survives_its_service_and_its_conversion_counts(
    shop: Shop, visitors: list[BrowserContext]
) -> None:
    buyer, waverer, late = visitors
    page = shop.open_page(buyer)
    page.click("button")
    wait_until_sent(page)
    seen = {}
    for visitor in (buyer, waverer):
        page = shop.open_page(visitor)
        seen[visitor] = page.inner_text("h1")
        wait_until_sent(page)
        page.close()
    assert set(seen.values()) <= set(LEVELS)
    assert shop.count_results() == {"users": 2, "conversions": 1}

    shop.service.end(signal.SIGKILL)
    assert shop.service.left_after(30) == []

    began = time.monotonic()
    for visitor, headline in seen.items():
        page = shop.open_page(visitor)
        assert page.inner_text("h1") == headline
    page.click("button")
    assert len(page.evaluate(QUEUED)) == 1
    page.close()
    stranger = shop.open_page(late)
    assert stranger.inner_text("h1") == FALLBACK
    assert time.monotonic() - began < 5 * PATIENCE

    shop.service.start()

    wait_until_sent(shop.open_page(waverer))
    until(lambda: shop.count_results() == {"users": 2, "conversions": 2}, 10)
    stranger.reload()
    expect(stranger.locator("h1")).not_to_have_text(FALLBACK, timeout=TIMEOUT_MS)
    assert stranger.inner_text("h1") in LEVELS

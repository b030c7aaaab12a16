"""The page's example of docs/tracking.md, in a real browser and from another origin."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import connections
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.support import chromium, factories, tracking
from tests.support.code_blocks import find_blocks
from warehouse.models import ManagedReward

SIGNUP = {"name": "signup", "min": 1, "max": 1}
TIMEOUT = 5_000
# Headless chromium names itself a crawler.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser for the tests of this module."""
    with chromium.run_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """Open a page of the same server under another name: another origin."""
    context = browser.new_context(user_agent=PERSON)
    page = context.new_page()
    page.goto(live_server.url.replace("localhost", "127.0.0.1") + "/healthz")
    yield page
    context.close()
    connections.close_all()


@pytest.fixture
def methods() -> Iterator[list[str]]:
    """Return a list of the methods of all requests."""
    seen: list[str] = []

    def note_method(environ: dict[str, Any], **_: Any) -> None:
        seen.append(environ["REQUEST_METHOD"])

    request_started.connect(note_method)
    yield seen
    request_started.disconnect(note_method)


def read_example(url: str, key: str) -> str:
    """Return the documented script, for this server and key."""
    [block] = [
        block
        for block in find_blocks()
        if block.page == "docs/tracking.md" and block.language == "js"
    ]
    return block.text.replace("http://localhost:3100", url).replace("lev_pub_...", key)


def test_the_documented_script_sends_a_conversion_without_a_preflight(
    page: Page, live_server: LiveServer, methods: list[str]
) -> None:
    acme = factories.make_organization()
    origin = str(page.evaluate("origin"))
    key = tracking.make_publishable_key(acme, rewards=(SIGNUP,), origins=(origin,))
    assert origin != live_server.url

    with page.expect_response("**/track", timeout=TIMEOUT) as sent:
        page.evaluate(read_example(live_server.url, key))

    assert sent.value.status == 200
    assert methods.count("POST") == 1
    assert "OPTIONS" not in methods
    reward = ManagedReward.objects.get()
    assert (reward.anonymous_id, reward.name, reward.value) == (
        "visitor-1",
        "signup",
        1,
    )


def test_a_page_of_another_origin_reads_why_it_is_refused(
    page: Page, live_server: LiveServer
) -> None:
    acme = factories.make_organization()
    key = tracking.make_publishable_key(acme, origins=("https://shop.example",))

    answer = page.evaluate(
        """async ([url, key]) => {
            const events = [{type: "reward", name: "purchase"}];
            const body = JSON.stringify({key, anonymous_id: "ann", events});
            const response = await fetch(url, {method: "POST", body});
            return [response.status, (await response.json()).error.code];
        }""",
        [f"{live_server.url}/api/v2/track", key],
    )

    assert answer == [403, "forbidden"]
    assert not ManagedReward.objects.exists()

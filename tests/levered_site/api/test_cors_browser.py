"""A page of another origin, in a real browser, reads every answer of serve."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment
from tests.support import chromium
from tests.support.optimization_factories import make_live_optimization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]

# Headless chromium names itself a crawler.
PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
# What the SDKs of Sentry, OpenTelemetry and Datadog add to the requests of a page.
TRACING_HEADERS = {
    "sentry-trace": "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
    "baggage": "sentry-environment=production",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=1",
    "x-datadog-trace-id": "1",
    "x-datadog-parent-id": "2",
    "x-datadog-origin": "rum",
    "x-datadog-sampling-priority": "1",
}
REFUSALS: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("undefined/serve", {}, (404, "not_found")),
    ("/serve", {}, (404, "not_found")),
    ("null/policy", {"method": "GET", "body": None}, (404, "not_found")),
    ("{id}/serve/", {}, (404, "not_found")),
    ("{id}/Serve", {}, (404, "not_found")),
    ("{id}/serve;a=1", {}, (404, "not_found")),
    ("a/b/serve", {}, (404, "not_found")),
    ("{id}/serve%0A", {}, (404, "not_found")),
    ("../../../optimizations/{id}/serve", {}, (404, "not_found")),
    ("../../v1/optimizations/{id}/serve", {}, (404, "not_found")),
    ("../ingest/rewards", {"credentials": "omit"}, (403, "forbidden")),
    ("{id}/decisions", {"credentials": "omit"}, (403, "forbidden")),
    ("{id}/serve?x=%00", {}, (400, "bad_request")),
    ("{id}/serve", {"body": "{"}, (400, "bad_request")),
    ("{id}/serve", {"body": "{}"}, (400, "invalid_parameters")),
    ("{id}/serve", {"method": "PUT"}, (405, "method_not_allowed")),
    ("{id}/serve", {"body": " " * 20_000}, (413, "payload_too_large")),
    (
        "{id}/serve",
        {"headers": {"content-encoding": "gzip"}},
        (415, "unsupported_media_type"),
    ),
]
SEND = """
async ([url, method, headers, body, credentials]) => {
  const response = await fetch(url, {method, headers, body, credentials, mode: "cors"});
  return {
    status: response.status,
    body: await response.json(),
    requestId: response.headers.get("X-Request-Id"),
    limit: response.headers.get("RateLimit-Limit"),
  };
}
"""


class _Shop(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Shop</title>")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    """Return the origin of a web site beside the service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser for the tests of this module."""
    with chromium.run_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser, shop: str) -> Iterator[Page]:
    """Open the page of the shop."""
    context = browser.new_context(user_agent=PERSON)
    page = context.new_page()
    page.goto(shop)
    yield page
    context.close()
    connections.close_all()


def _send(page: Page, url: str, **changes: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json", **TRACING_HEADERS}
    answer: dict[str, Any] = page.evaluate(
        SEND,
        [
            url,
            changes.get("method", "POST"),
            {**headers, **changes.get("headers", {})},
            changes.get("body", '{"anonymous_id": "visitor-1"}'),
            changes.get("credentials", "include"),
        ],
    )
    return answer


def test_a_page_with_a_tracing_sdk_is_served(
    page: Page, live_server: LiveServer
) -> None:
    optimization = make_live_optimization()
    url = f"{live_server.url}/api/v2/optimizations/{optimization.pk}/serve"

    for credentials in ("include", "omit", "same-origin"):
        answer = _send(page, url, credentials=credentials)

        assert answer["status"] == 200
        assert answer["body"]["variant_number"] >= 1
        assert answer["requestId"] == answer["body"]["meta"]["request_id"]
        assert answer["limit"]
    assert Assignment.objects.count() == 1


def test_a_page_reads_why_it_was_refused(page: Page, live_server: LiveServer) -> None:
    optimization = make_live_optimization()

    for path, changes, expected in REFUSALS:
        path_of_id = path.replace("{id}", str(optimization.pk))
        url = f"{live_server.url}/api/v2/optimizations/{path_of_id}"
        answer = _send(page, url, **changes)

        assert (answer["status"], answer["body"]["error"]["code"]) == expected, path
        assert answer["requestId"]


def test_a_page_reads_a_403_a_409_and_a_429(
    page: Page, live_server: LiveServer, settings: Settings
) -> None:
    foreign = make_live_optimization(allowed_origins=["https://*.shop.example"])
    paused = make_live_optimization(status="paused")
    settings.RATELIMIT_SERVE = "2/d"

    answers = [
        _send(page, f"{live_server.url}/api/v2/optimizations/{optimization.pk}/serve")
        for optimization in (foreign, paused, paused)
    ]

    assert [answer["status"] for answer in answers] == [403, 409, 429]
    assert answers[0]["body"]["error"]["message"].endswith("its allowed_origins.")
    assert Assignment.objects.count() == 0

"""Fixtures of the admin tests: a logged-in superuser, an organization, a browser."""

from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.support import chromium, staff_world
from tests.support.staff_world import World


@pytest.fixture
def staff(client: Client) -> Client:
    """Return a client that is logged in as a superuser."""
    client.force_login(staff_world.make_superuser())
    return client


@pytest.fixture
def world() -> World:
    """Create an organization with a live optimization."""
    return staff_world.make_world()


@pytest.fixture
def complaints() -> list[str]:
    """Return a list of console errors and of requests to other hosts."""
    return []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser for the tests of a module."""
    with chromium.run_browser() as running:
        yield running


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, complaints: list[str]
) -> Iterator[Page]:
    """Open a page of nobody's that records console errors and foreign requests."""
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1440, "height": 1000}
    )
    page = context.new_page()
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in {"error", "warning"}
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((live_server.url, "data:"))
            else complaints.append(request.url)
        ),
    )
    yield page
    context.close()
    connections.close_all()

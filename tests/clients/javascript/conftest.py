"""A proxy before the running service, a web site beside it, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.signals import request_started
from django.db import connections
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.support import example_pages
from tests.support.chaos_proxy import ChaosProxy, run_proxy
from tests.support.javascript_client import find_missing_packages, strip_sources
from tests.support.shop_site import TIMEOUT_MS, Site, run_browser, run_site


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[ChaosProxy]:
    """Run a proxy before the service."""
    with run_proxy(live_server.url) as running:
        yield running


@pytest.fixture(scope="session")
def npm_packages() -> None:
    """Skip, loudly, where the packages of npm cannot be had."""
    problem = find_missing_packages()
    if problem:
        pytest.skip(f"clients/javascript: TYPES, BUILD AND REACT NOT TESTED: {problem}")


@pytest.fixture(scope="module")
def built_pages(npm_packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package and the pages of docs/examples; return the pages' folder."""
    package = tmp_path_factory.mktemp("package")
    example_pages.build_package(package)
    return example_pages.build_pages(package)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a web site that has the client in its folder sdk."""
    folder = tmp_path_factory.mktemp("shop")
    strip_sources(folder / "sdk")
    with run_site(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser."""
    with run_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page of a visitor whom nobody knows."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
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

"""The example for Next.js: a server renders the variant that its page hydrates."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import chromium, factories, optimization_factories, tracking
from tests.support.example_pages import (
    COMPILER,
    OPTIONS,
    TIMEOUT,
    build_package,
    write_react_modules,
)
from tests.support.javascript_client import (
    NODE,
    PACKAGE,
    PATIENT_MS,
    PLACEHOLDER_ID,
    run_node,
    strip_sources,
)
from tests.support.shop_site import wait_until
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
    pytest.mark.usefixtures("npm_packages"),
]

EXAMPLE = PACKAGE / "examples" / "next"
NEXT = Path(__file__).parent / "programs" / "next"
# What a bundler writes into the page's code.
PUBLIC = re.compile(r"process\.env\.(NEXT_PUBLIC_\w+)!?")
RELATIVE = re.compile(r'(from "\./[\w-]+)"')
# Notes each headline that the visitor could have seen, from the first one on.
NOTE = """
window.seen = [];
new MutationObserver(() => {
  const text = document.querySelector("h1")?.textContent;
  if (text && text !== seen.at(-1)) seen.push(text);
}).observe(document, { childList: true, characterData: true, subtree: true });
"""
HYDRATED = "Object.keys(document.querySelector('h1')).some((k) => /^__react/.test(k))"

StartServer = Callable[[str], str]


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a call to action."""
    return optimization_factories.make_live_optimization(holdout_percentage=0)


def compile_example(
    folder: Path, variables: dict[str, str], optimization_id: object
) -> None:
    """Compile the example into the folder `build`, with the package beside it.

    Its clients are as patient as a busy machine needs it.
    """
    build_package(folder)
    shutil.copytree(EXAMPLE, folder / "next")
    shutil.copy(NEXT / "next.d.ts", folder / "next")
    sources = [*(folder / "next").rglob("*.ts"), *(folder / "next").rglob("*.tsx")]
    for path in sources:
        text = PUBLIC.sub(lambda match: f'"{variables[match[1]]}"', path.read_text())
        text = re.sub(
            r"( apiUrl: .*,)", rf"\1 timeoutMs: {PATIENT_MS},", TIMEOUT.sub("", text)
        )
        path.write_text(text.replace(PLACEHOLDER_ID, str(optimization_id)))
    target = ("--rootDir", folder / "next", "--outDir", folder / "build")
    run_node(COMPILER, *OPTIONS, *target, *sources)
    for path in (folder / "build").rglob("*.js"):
        path.write_text(RELATIVE.sub(r'\1.js"', path.read_text()))


@pytest.fixture
def start_server(tmp_path: Path, optimization: Optimization) -> Iterator[StartServer]:
    """Return a function that runs the example before a service, and its address."""
    running: list[subprocess.Popen[str]] = []

    def start(service: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        origin = f"http://127.0.0.1:{port}"
        organization = optimization.organization
        variables = {
            "NEXT_PUBLIC_LEVERED_URL": service,
            "NEXT_PUBLIC_LEVERED_KEY": tracking.make_publishable_key(
                organization, origins=(origin,)
            ),
        }
        compile_example(tmp_path, variables, optimization.pk)
        strip_sources(tmp_path / "build" / "sdk")
        write_react_modules(tmp_path / "build")
        secret = factories.make_api_key(organization, "next", ("serve",))
        command = [NODE, "--no-warnings", NEXT / "serve.mjs", tmp_path / "build"]
        server = subprocess.Popen(
            [*map(str, command), str(tmp_path / "build"), str(port)],
            env={**os.environ, "LEVERED_KEY": secret},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(server)
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
        return origin

    yield start
    for server in running:
        server.kill()
        server.communicate()
    connections.close_all()


def get_headline(optimization: Optimization) -> str:
    """Return the headline of the only assignment."""
    number = Assignment.objects.get().variant_number
    return str(optimization.variants.get(number=number).levels["headline"])


def test_the_page_hydrates_the_variant_that_the_server_rendered(
    page: Page,
    start_server: StartServer,
    live_server: LiveServer,
    optimization: Optimization,
) -> None:
    origin = start_server(live_server.url)
    page.add_init_script(NOTE)

    answer = page.goto(origin)
    page.wait_for_function(HYDRATED)

    headline = get_headline(optimization)
    visitor = Assignment.objects.get().anonymous_id
    assert answer
    assert f"<h1>{headline}</h1>" in answer.text()
    assert page.evaluate("seen") == [headline]
    assert page.evaluate("document.cookie") == f"levered_id={visitor}"
    page.click("button")
    wait_until(page, ManagedReward.objects.exists)
    assert ManagedReward.objects.get().anonymous_id == visitor
    page.reload()
    page.wait_for_function(HYDRATED)
    assert page.evaluate("seen") == [headline]
    assert page.evaluate("errors") == []
    assert Assignment.objects.count() == 1


def test_a_preview_is_shown_and_counts_nothing_on_the_server_either(
    page: Page, start_server: StartServer, live_server: LiveServer
) -> None:
    origin = start_server(live_server.url)

    page.goto(f'{origin}/?levered_variant={{"headline":"As designed"}}')
    expect(page.locator("h1")).to_have_text("As designed")
    page.click("button")
    page.wait_for_timeout(300)

    assert page.evaluate("errors") == []
    for model in (Assignment, ManagedExposure, ManagedReward):
        assert not model.objects.exists()


def test_without_a_service_server_and_page_show_the_fallback(
    page: Page, start_server: StartServer
) -> None:
    origin = start_server("http://127.0.0.1:9")
    page.add_init_script(NOTE)

    page.goto(origin)
    page.wait_for_function(HYDRATED)

    assert page.evaluate("seen") == ["Start free"]
    assert page.evaluate("errors") == []

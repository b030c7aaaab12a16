"""The script against flicker hides a page until it is ready, and never for long."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support import chromium
from tests.support.javascript_client import PACKAGE, run_node
from tests.support.shop_site import Site

pytestmark = pytest.mark.skipif(
    not chromium.PATH.exists(), reason="needs Debian's chromium"
)

OWN_PROGRAMS = Path(__file__).parent / "programs"
# What a script of the page sees at once, before anything is shown.
PAGE = """<!doctype html><head>%(before)s<script%(attributes)s>%(script)s</script>
<script%(attributes)s>
const read = (each) => getComputedStyle(document.querySelector(each)).opacity;
window.first = read("html");
window.startedAt = performance.now();
</script>%(after)s</head><body><h1>Hello</h1>
<script%(attributes)s>window.heading = read("h1");</script></body>
"""
READY = """<script type="module">
import { showPage } from "./sdk/flicker.js";
document.querySelector("h1").textContent = "Decided";
showPage();
showPage();
</script>"""
BROKEN = '<script type="module">import "./sdk/nowhere.js";</script>'
VISIBLE = "read('html') === '1'"
GONE = "!document.querySelector('#levered-hidden')"

Opener = Callable[..., None]


def build_script(**options: object) -> str:
    """Build the script against flicker."""
    return run_node(OWN_PROGRAMS / "flicker_script.mjs", json.dumps(options))


@pytest.fixture
def open_page(page: Page, site: Site) -> Opener:
    """Return a function that opens a page with the script in its head."""

    def write_and_open(*, script: str, **parts: str) -> None:
        fields = {"before": "", "after": "", "attributes": ""}
        text = PAGE % {**fields, "script": script, **parts}
        (site.folder / "flicker.html").write_text(text)
        page.goto(f"{site.origin}/flicker.html")

    return write_and_open


def test_a_page_is_hidden_until_its_variant_is_shown(
    page: Page, open_page: Opener
) -> None:
    open_page(script=build_script(), after=READY)
    page.wait_for_function(GONE)

    assert page.evaluate("first") == "0"
    assert page.evaluate(VISIBLE)
    assert page.inner_text("h1") == "Decided"


def test_a_page_whose_scripts_fail_is_shown_within_300_ms(
    page: Page, open_page: Opener
) -> None:
    script = build_script(milliseconds=60_000)
    open_page(script=script, after=BROKEN)

    page.wait_for_function(VISIBLE)

    assert page.evaluate("first") == "0"
    assert "300ms" in script
    assert "60000" not in script
    page.wait_for_function(GONE)


@pytest.mark.parametrize(
    ("before", "last"),
    [
        pytest.param(
            "<script>window.setTimeout = () => 0;</script>", VISIBLE, id="no timer"
        ),
        pytest.param(
            "<style>html { animation-play-state: paused !important }"
            "html:root { animation-play-state: paused !important }</style>",
            GONE,
            id="no animation",
        ),
    ],
)
def test_timer_and_animation_each_show_the_page_alone(
    page: Page, open_page: Opener, before: str, last: str
) -> None:
    open_page(script=build_script(), before=before)

    page.wait_for_function(last)

    assert page.evaluate("first") == "0"
    assert page.evaluate(VISIBLE)


def test_a_part_of_the_page_can_be_hidden_under_a_policy_with_a_nonce(
    page: Page, open_page: Opener
) -> None:
    policy = "script-src 'nonce-abc' 'unsafe-eval'; style-src 'nonce-abc'"
    before = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    script = build_script(selector="body > h1")
    open_page(script=script, before=before, attributes=' nonce="abc"')

    assert page.evaluate("[first, heading]") == ["1", "0"]
    page.wait_for_function(GONE)
    assert page.evaluate("read('h1')") == "1"


def test_a_selector_cannot_end_the_script() -> None:
    script = build_script(selector="</script><!--")

    assert "<" not in script


def test_the_script_of_the_readme_is_the_one_of_the_package() -> None:
    readme = (PACKAGE / "README.md").read_text()

    scripts = re.findall(r"<script>(\(function.+?)</script>", readme)

    assert scripts == [build_script()]

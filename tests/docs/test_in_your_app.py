"""The page "In your app" shows its examples; those without a page run here."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import factories, optimization_factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault, run_proxy
from tests.support.code_blocks import ROOT, find_blocks
from tests.support.javascript_client import PATIENT_MS, PROGRAMS, run_node
from tests.support.random_policies import publish_random_table
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = ROOT / "docs" / "examples"
HEADLINE = re.compile(r"<h1>(.*)</h1>")
FALLBACK = "Start free"
# Code that is shown here and run from its file.
SHOWN = {"html", "ts", "tsx", "vue"}


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization of a headline and a button, with a public policy."""
    return optimization_factories.make_live_optimization(
        public_policy=True, holdout_percentage=0
    )


@pytest.fixture
def proxy(live_server: LiveServer) -> Iterator[ChaosProxy]:
    """Run a proxy before the service."""
    with run_proxy(live_server.url) as running:
        yield running


def get_assigned_headline(optimization: Optimization) -> str:
    """Return the headline of the only assignment."""
    number = Assignment.objects.get().variant_number
    return str(optimization.variants.get(number=number).levels["headline"])


def test_the_page_shows_the_examples_as_they_are() -> None:
    shown = [
        block.text
        for block in find_blocks()
        if block.page == "docs/in-your-app.md" and block.language in SHOWN
    ]

    files = {
        path.read_text()
        for path in EXAMPLES.rglob("*.*")
        if path.suffix != ".pyc" and path.is_file()
    }

    assert len(shown) >= 4
    assert set(shown) <= files


# --- the edge


@dataclass
class EdgeVisitor:
    """A visitor of the edge's site: what the pages had, and the cookies."""

    env: dict[str, object]
    cookies: dict[str, str]

    def visit(self, *visits: str) -> list[str]:
        """Visit pages of a worker that has just started; return them."""
        worker = EXAMPLES / "edge" / "worker.js"
        request = {"worker": str(worker), "env": self.env, "visits": visits}
        text = json.dumps({**request, "cookies": self.cookies})
        answer = json.loads(run_node(PROGRAMS / "visit_edge.mjs", stdin=text))
        self.cookies = answer["cookies"]
        pages: list[str] = answer["pages"]
        return pages


def make_edge_visitor(url: str, optimization: Optimization) -> EdgeVisitor:
    """Make a visitor whom no cookie knows, of a worker that wrangler.toml configures."""
    configured = tomllib.loads((EXAMPLES / "edge" / "wrangler.toml").read_text())
    assert configured["main"] == "worker.js"
    key = factories.make_api_key(optimization.organization, "edge", ("serve", "ingest"))
    env: dict[str, object] = {
        "LEVERED_URL": url,
        "OPTIMIZATION_ID": str(optimization.pk),
        "PATIENCE_MS": PATIENT_MS,
    }
    assert set(configured["vars"]) == set(env)
    return EdgeVisitor({**env, "LEVERED_KEY": key}, {})


def read_headlines(pages: list[str]) -> list[str]:
    """Return the headlines of pages."""
    return [match[1] for page in pages if (match := HEADLINE.search(page))]


def test_the_worker_decides_by_the_policy_and_its_visitor_is_counted_once(
    proxy: ChaosProxy, optimization: Optimization
) -> None:
    visitor = make_edge_visitor(proxy.url, optimization)

    pages = visitor.visit("GET /", "GET /", "POST /buy")

    headline = get_assigned_headline(optimization)
    assert read_headlines(pages) == [headline] * 2
    assigned, reward = Assignment.objects.get(), ManagedReward.objects.get()
    assert assigned.anonymous_id == visitor.cookies["levered_id"]
    assert (reward.anonymous_id, reward.name) == (assigned.anonymous_id, "purchase")
    asked = [path.rpartition("/")[2] for _, path in proxy.requests]
    assert asked == ["policy", "levered-keys.json", "decisions", "rewards"]


def test_the_cookie_keeps_the_variant_when_the_policy_changes(
    live_server: LiveServer, optimization: Optimization
) -> None:
    visitors = [make_edge_visitor(live_server.url, optimization) for _ in range(3)]
    before = [read_headlines(each.visit("GET /")) for each in visitors]

    publish_random_table(optimization, 4)

    assert [read_headlines(each.visit("GET /")) for each in visitors] == before
    assert Assignment.objects.count() == len(visitors)


def test_a_worker_without_a_service_shows_the_fallback_and_counts_nobody(
    optimization: Optimization,
) -> None:
    visitor = make_edge_visitor("http://127.0.0.1:9", optimization)

    assert read_headlines(visitor.visit("GET /", "GET /")) == [FALLBACK] * 2
    assert set(visitor.cookies) == {"levered_id"}


# --- the app of a phone


@dataclass(frozen=True, slots=True)
class App:
    """An installed app: its settings, and the folder of what it keeps."""

    env: dict[str, str]
    data: Path

    def run(self, command: str) -> str:
        """Open the app or buy in it; return what it shows."""
        shell, script = shutil.which("sh"), EXAMPLES / "mobile" / "app.sh"
        assert shell
        done = subprocess.run(
            [shell, str(script), command],
            env={**os.environ, **self.env, "APP_DATA": str(self.data)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()


@pytest.fixture
def app(proxy: ChaosProxy, optimization: Optimization, tmp_path: Path) -> App:
    """Install the app of docs/examples/mobile."""
    if not all(map(shutil.which, ("curl", "jq"))):
        pytest.skip("the app's HTTP calls need curl and jq")
    key = tracking.make_publishable_key(optimization.organization)
    env = {
        "LEVERED_URL": proxy.url,
        "LEVERED_KEY": key,
        "OPTIMIZATION_ID": str(optimization.pk),
        "PATIENCE": str(PATIENT_MS // 1000),
    }
    return App(env, tmp_path / "app")


def test_the_app_shows_its_variant_and_counts_a_purchase(
    app: App, optimization: Optimization
) -> None:
    shown = app.run("open")
    app.run("buy")

    assert shown == get_assigned_headline(optimization)
    reward = ManagedReward.objects.get()
    assert reward.anonymous_id == Assignment.objects.get().anonymous_id
    assert (app.data / "events").read_text() == ""


def test_the_app_keeps_its_variant_and_its_purchases_while_the_service_is_away(
    app: App, proxy: ChaosProxy
) -> None:
    shown = app.run("open")
    stranger = App(app.env, app.data.parent / "another phone")
    proxy.faults = [Fault(503)]

    assert app.run("open") == shown
    app.run("buy")
    assert stranger.run("open") == FALLBACK
    assert not ManagedReward.objects.exists()

    # The answer to what was stored is lost once.
    proxy.faults = [None, Fault(502, is_passed_on=True), None]
    app.run("open")
    assert app.run("open") == shown
    assert ManagedReward.objects.count() == 1
    assert (app.data / "events").read_text() == ""


def test_the_app_forgets_its_variant_when_the_optimization_is_paused(
    app: App, proxy: ChaosProxy
) -> None:
    assert app.run("open") != FALLBACK

    proxy.faults = [Fault(409, b'{"error": {"code": "conflict"}}')]

    assert app.run("open") == FALLBACK

"""The programs of docs/examples in Python show variants, count, and fall back."""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.clients.python.terminals import log_in
from tests.support import factories, optimization_factories
from tests.support.code_blocks import ROOT
from tests.support.optimization_factories import make_factor
from tests.support.python_client import PACKAGE, PATIENT
from tests.support.running_service import until
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = ROOT / "docs" / "examples"
PROGRAMS = {
    "django": ("shop.py", "runserver", "--noreload", "{port}"),
    "fastapi": ("-m", "uvicorn", "shop:app", "--port", "{port}"),
}
HEADLINES = ("Coffee, roasted today", "Coffee & nothing else")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"
NOBODY = "http://127.0.0.1:9"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
HEADLINE = re.compile(r"<h1>(.*?)</h1>")


@pytest.fixture
def optimization() -> Optimization:
    """Make a live optimization with the factors of the programs."""
    config = optimization_factories.make_config(
        design_factors=[
            make_factor("headline", *HEADLINES),
            make_factor("button", "Buy", "Order now"),
        ],
        context_factors=[make_factor("device", "mobile", "desktop")],
    )
    return optimization_factories.make_live_optimization(training_data_config=config)


@contextmanager
def run_program(name: str, variables: dict[str, str]) -> Iterator[str]:
    """Run a program; yield its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    arguments = [each.format(port=port) for each in PROGRAMS[name]]
    address = f"http://127.0.0.1:{port}"
    with _start(name, arguments, variables) as process:
        try:
            until(lambda: _is_up(process, address), 60)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _start(
    name: str, arguments: Sequence[str], variables: dict[str, str]
) -> "subprocess.Popen[str]":
    package = str(PACKAGE / "src")
    left_out = {"DJANGO_SETTINGS_MODULE"}
    own = {key: value for key, value in os.environ.items() if key not in left_out}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=FOLDER / name,
        env={
            **own,
            "PYTHONPATH": package,
            "LEVERED_TIMEOUT": f"{PATIENT}",
            **variables,
        },
        text=True,
    )


def _is_up(process: "subprocess.Popen[str]", address: str) -> bool:
    assert process.poll() is None
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/healthz").is_success
    return False


def read_headline(page: httpx.Response) -> str:
    """Return the headline of a page."""
    match = HEADLINE.search(page.raise_for_status().text)
    assert match, page.text
    return match.group(1).replace("&amp;", "&")


def order(visitor: httpx.Client, page: httpx.Response) -> str:
    """Press the button of a page; return the headline of the next one."""
    found = TOKEN.search(page.text)
    data = {"csrfmiddlewaretoken": found.group(1)} if found else {}
    return read_headline(visitor.post("/order", data=data))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_visitor_sees_a_variant_keeps_it_and_counts(
    live_server: LiveServer, optimization: Optimization, name: str
) -> None:
    key = factories.make_api_key(
        optimization.organization, "server", ("serve", "ingest")
    )
    variables = {
        "LEVERED_URL": live_server.url,
        "LEVERED_KEY": key,
        "LEVERED_OPTIMIZATION": str(optimization.pk),
    }

    with (
        run_program(name, variables) as address,
        httpx.Client(base_url=address, headers={"User-Agent": BROWSER}) as visitor,
    ):
        first = visitor.get("/")
        again = visitor.get("/")
        anonymous_id = visitor.cookies["levered_id"]
        assert order(visitor, again) == "Thank you"
        until(ManagedReward.objects.exists, 30)

    assert read_headline(first) == read_headline(again)
    assert read_headline(first) in HEADLINES
    assignment = Assignment.objects.get()
    assert assignment.anonymous_id == anonymous_id
    reward = ManagedReward.objects.get()
    assert (reward.anonymous_id, reward.name) == (anonymous_id, "purchase")
    assert reward.value == 12.5
    assert "no-store" in first.headers["Cache-Control"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_guide_makes_what_the_programs_use(
    live_server: LiveServer, tmp_path: Path, name: str
) -> None:
    terminal = log_in(tmp_path, live_server.url, factories.make_organization())
    terminal.run("metrics", "create", "Purchases", "--event", "purchase")
    made, key = (terminal.run(*each, "--json").read() for each in read_guide())
    variables = {
        "LEVERED_URL": live_server.url,
        "LEVERED_KEY": key["secret"],
        "LEVERED_OPTIMIZATION": made["id"],
    }

    with (
        run_program(name, variables) as address,
        httpx.Client(base_url=address, headers={"User-Agent": BROWSER}) as visitor,
    ):
        page = visitor.get("/")

    factors = made["training_data_config"]["design_factors"]
    assert tuple(level["value"] for level in factors[0]["levels"]) == HEADLINES
    assert [factor["name"] for factor in factors] == ["headline", "button"]
    assert read_headline(page) in HEADLINES
    assert Assignment.objects.count() == 1


def read_guide() -> list[list[str]]:
    """Return the arguments of the two commands that the guide begins with."""
    guide = (ROOT / "docs" / "in-your-app.md").read_text()
    (text,) = re.findall(
        r"```text\n(levered optimizations create .+?)```", guide, re.DOTALL
    )
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_page_shows_a_factor_that_is_not_varied_as_before(
    live_server: LiveServer, name: str
) -> None:
    config = optimization_factories.make_config(
        design_factors=[make_factor("headline", *HEADLINES)]
    )
    only_headline = optimization_factories.make_live_optimization(
        training_data_config=config
    )
    variables = {
        "LEVERED_URL": live_server.url,
        "LEVERED_KEY": factories.make_api_key(
            only_headline.organization, "server", ("serve", "ingest")
        ),
        "LEVERED_OPTIMIZATION": str(only_headline.pk),
    }

    with (
        run_program(name, variables) as address,
        httpx.Client(base_url=address, headers={"User-Agent": BROWSER}) as visitor,
    ):
        page = visitor.get("/")

    assert read_headline(page) in HEADLINES
    assert "<button>Buy</button>" in page.text
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_shows_the_baseline_while_the_service_is_away(name: str) -> None:
    variables = {"LEVERED_URL": NOBODY, "LEVERED_KEY": "lev_none"}

    with (
        run_program(name, variables) as address,
        httpx.Client(base_url=address) as visitor,
    ):
        page = visitor.get("/")
        ordered = order(visitor, page)

    assert read_headline(page) == HEADLINES[0]
    assert ordered == "Thank you"

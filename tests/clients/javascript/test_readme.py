"""The examples of the package's README run, against the real service."""

import json
import re
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment, Optimization
from tests.support import factories, tracking
from tests.support.javascript_client import PACKAGE, PROGRAMS, read_example, run_node
from tests.support.optimization_factories import make_live_optimization
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN = re.compile(r"<h1>[AB]</h1>")


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization whose headline is A or B."""
    return make_live_optimization(public_policy=True)


def write_example(
    heading: str, folder: Path, optimization: Optimization, url: str, key: str = ""
) -> Path:
    """Write the example below a heading as a program; return its path."""
    program = folder / "example.mjs"
    example = read_example(
        heading,
        sdk=str(PACKAGE / "src" / "index.ts"),
        url=url,
        key=key,
        optimization_id=optimization.pk,
    )
    program.write_text(example.replace("index.ts/edge", "edge.ts"))
    return program


def test_the_example_for_a_server_serves_and_tracks(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> None:
    key = factories.make_api_key(
        optimization.organization, "server", ("ingest", "serve")
    )
    program = write_example("On a server", tmp_path, optimization, live_server.url)

    page = run_node(PROGRAMS / "visit_server.mjs", program, key)

    assert SHOWN.search(page)
    reward, assignment = ManagedReward.objects.get(), Assignment.objects.get()
    assert reward.anonymous_id == assignment.anonymous_id == "visitor-1"


def test_the_example_for_the_edge_decides_and_counts(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> None:
    key = tracking.make_publishable_key(optimization.organization)
    program = write_example("At the edge", tmp_path, optimization, live_server.url, key)

    cookies = ("a=b; levered_id=visitor-1", "a=b")
    visits = json.loads(run_node(PROGRAMS / "visit_worker.mjs", program, *cookies))

    known, new = visits
    assert SHOWN.search(known["page"])
    assert SHOWN.search(new["page"])
    assert known["cookie"] is None
    cookie = re.fullmatch(
        r"levered_id=([\da-f-]{36}); Path=/; Max-Age=31536000; SameSite=Lax; Secure",
        new["cookie"],
    )
    assert cookie
    assert known["cache"] == new["cache"] == "private, no-store"
    ids = ManagedExposure.objects.values_list("anonymous_id", flat=True)
    assert set(ids) == {"visitor-1", cookie[1]}
    assert not Assignment.objects.exists()

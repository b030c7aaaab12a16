"""The examples of the package's README run, against the real service."""

import os
import subprocess
import sys

import pytest
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Assignment
from tests.support import factories
from tests.support.code_blocks import FENCE
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import PACKAGE, PATIENT
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"
ADDRESS = '"http://localhost:3100", os.environ["LEVERED_KEY"]'
EXAMPLES = [
    text
    for language, text in FENCE.findall((PACKAGE / "README.md").read_text())
    if language == "python"
]


def run_example(text: str, url: str, optimization_id: object, key: str) -> str:
    """Run an example for this service and optimization; return what it printed."""
    address = ADDRESS.replace("http://localhost:3100", url)
    program = text.replace(ADDRESS, f"{address}, timeout={PATIENT}")
    assert program != text
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c"),
            program.replace(PLACEHOLDER_ID, str(optimization_id)),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(PACKAGE / "src"),
            "LEVERED_KEY": key,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_decides_and_what_it_says_arrives(
    live_server: LiveServer, number: int
) -> None:
    optimization = make_live_optimization(public_policy=True)
    key = factories.make_api_key(
        optimization.organization, "server", ("ingest", "serve")
    )

    printed = run_example(EXAMPLES[number], live_server.url, optimization.pk, key)

    assignment = Assignment.objects.get()
    assert assignment.anonymous_id == "visitor-1"
    assert any(level in printed for level in ("A", "B"))
    if "track(" in EXAMPLES[number]:
        assert ManagedReward.objects.get().anonymous_id == "visitor-1"

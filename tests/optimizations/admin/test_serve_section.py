"""Before anybody is served, the results have the code that shows the optimization."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer

from metrics.models import AssignmentSource
from optimizations.admin.tabs import registry
from optimizations.models import Assignment, Optimization
from tests.support import factories, optimization_factories, staff_world, tracking
from tests.support.javascript_client import PACKAGE as JAVASCRIPT, PATIENT_MS, run_node
from tests.support.optimization_factories import make_config, make_factor
from tests.support.python_client import PACKAGE as PYTHON, PATIENT
from tests.support.staff_world import World
from warehouse.models import Connection, ManagedReward

MAX_QUERIES = 12
HEADING = "Ask for its variants in your product"
KEY_LINK = re.compile(r'href="([^"]*)">Create this API key')
CODE = re.compile(r'<pre class="staff-block"[^>]*>(.*?)</pre>', re.DOTALL)
LEVELS: dict[str, list[Any]] = {
    "call to action": ['It\'s "yours"', "Buy\\n😀"],
    "banner": [True, False],
    "price": [9.5, 12],
}


def read_page(client: Client, optimization: Optimization) -> str:
    return client.get(registry.build_url(optimization, "results")).content.decode()


def read_form(client: Client, path: str) -> Any:
    """Return the form of a new key."""
    return client.get(path).context["adminform"].form


def run_shell(code: str, key: str) -> str:
    return run_process(["sh", "-ec", code], {"LEVERED_KEY": key})


def run_python(code: str, key: str) -> str:
    patient = code.replace('"LEVERED_KEY"])', f'"LEVERED_KEY"], timeout={PATIENT})')
    assert patient != code
    program = f"import json\n{patient}\nprint(json.dumps(variant))"
    environment = {"LEVERED_KEY": key, "PYTHONPATH": str(PYTHON / "src")}
    return run_process([sys.executable, "-W", "error", "-c", program], environment)


def run_process(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_javascript(code: str, folder: Path) -> str:
    """Run the code of a page in Node, which has no storage to remember a visitor."""
    changes = {
        "@levered/sdk": str(JAVASCRIPT / "src" / "index.ts"),
        "LeveredClient({": f"LeveredClient({{ timeoutMs: {PATIENT_MS},",
        "getVariant({": 'getVariant({ anonymousId: "visitor-2",',
        'track("purchase"': 'track("purchase", { anonymousId: "visitor-2" }',
    }
    for old, new in changes.items():
        assert old in code
        code = code.replace(old, new)
    program = folder / "page.mjs"
    program.write_text(
        f"{code}\nawait levered.flush();\nconsole.log(JSON.stringify(variant));"
    )
    return run_node(program)


@pytest.mark.django_db(transaction=True)
def test_the_code_runs_as_it_is_shown(
    live_server: LiveServer, client: Client, tmp_path: Path
) -> None:
    design = [make_factor(name, *levels) for name, levels in LEVELS.items()]
    optimization = optimization_factories.make_live_optimization(
        training_data_config=make_config(design_factors=design)
    )
    organization = optimization.organization
    public_key = tracking.make_publishable_key(organization)
    key = factories.make_api_key(organization, "server", ("ingest", "serve"))
    client.force_login(staff_world.make_member(organization, "owner"))
    with override_settings(PUBLIC_URL=live_server.url):
        page = read_page(client, optimization)
    javascript, python, shell = map(html.unescape, CODE.findall(page))

    shown = [
        json.loads(run_javascript(javascript, tmp_path)),
        json.loads(run_python(python, key)),
    ]
    users = Assignment.objects.values_list("anonymous_id", flat=True)
    assert sorted(users) == ["visitor-1", "visitor-2"]
    answers = run_shell(shell, key)

    assert public_key in javascript
    for variant in shown:
        assert variant.keys() == LEVELS.keys()
        assert all(level in LEVELS[name] for name, level in variant.items())
    assert '"accepted":1' in answers.replace(" ", "")
    rewards = ManagedReward.objects.values_list("anonymous_id", "name")
    assert sorted(rewards) == [
        ("visitor-1", "purchase"),
        ("visitor-1", "purchase"),
        ("visitor-2", "purchase"),
    ]
    assert HEADING not in read_page(client, optimization)


@pytest.mark.django_db
def test_the_section_takes_few_queries_and_offers_no_key_to_a_viewer(
    viewer: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    read_page(viewer, world.optimization)
    with django_assert_max_num_queries(MAX_QUERIES):
        page = read_page(viewer, world.optimization)

    assert "Live: nobody has been served yet" in page
    assert HEADING in page
    assert "lists the reward “purchase”" in page
    assert "device: &quot;mobile&quot;" in page
    assert "Create this API key" not in page


@pytest.mark.django_db
def test_its_links_open_the_form_of_the_key_that_the_code_needs(
    client: Client, world: World
) -> None:
    client.force_login(staff_world.make_member(world.organization, "owner"))
    links = map(html.unescape, KEY_LINK.findall(read_page(client, world.optimization)))

    page, server, other = [read_form(client, link) for link in links]

    assert page["scopes"].value() == ["track"]
    assert 'name="rewards-name" value="purchase"' in str(page["rewards"])
    for form in (server, other):
        assert sorted(form["scopes"].value()) == ["ingest", "serve"]
    assert page["organization"].value() == str(world.organization.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["scopes=track,serve", "scopes=all&rewards=x", ""])
def test_a_link_fills_in_no_scopes_that_a_key_cannot_have(
    client: Client, world: World, query: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, "owner"))

    form = read_form(client, f"{reverse('admin:organizations_apikey_add')}?{query}")

    assert form["scopes"].value() == ["ingest"]
    assert form["rewards"].value() is None
    assert form["organization"].value() == world.organization.pk


@pytest.mark.django_db
def test_a_connected_warehouse_is_told_by_other_means(
    viewer: Client, world: World
) -> None:
    Connection.objects.create(organization=world.organization, provider="postgres")
    AssignmentSource.objects.create(
        organization=world.organization,
        name="Exposures",
        column_mapping={},
        is_default=True,
    )
    optimization = staff_world.make_optimization(world.organization, world.metric, "B")

    page = read_page(viewer, optimization)

    assert "where the assignment source “Exposures” reads it" in page
    assert "track(" not in page
    assert "ingest/rewards" not in page


@pytest.mark.django_db
def test_who_was_served_waits_for_the_count(viewer: Client, world: World) -> None:
    staff_world.record_decision(world.optimization, "ann")

    page = read_page(viewer, world.optimization)

    assert HEADING not in page
    assert "Nothing is counted yet" in page

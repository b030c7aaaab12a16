"""A stranger's way with the command line alone, from login to ship, and a service."""

import itertools
import json
import random
import re
from pathlib import Path

import pytest

from levered import Levered
from levered_site.local import embedded
from tests.support.python_client import PATIENT, Terminal
from tests.support.running_service import ROOT, Service, until

VISITORS = 240


@pytest.fixture
def service(shared_service: Service) -> Service:
    """Return the service that the stranger finds."""
    return shared_service


def open_terminal(service: Service, folder: Path) -> Terminal:
    """Open a terminal beside the service, as in its checkout."""
    addresses = embedded.build_addresses(service.home)
    variables = {
        "LEVERED_HOME": str(service.home),
        "DATABASE_URL": addresses.database_url,
    }
    return Terminal(folder, variables)


def send_visitors(url: str, optimization_id: str, folder: Path) -> Path:
    """Let visitors see variants; return the file of their conversions."""
    rng = random.Random(5)  # noqa: S311  # repeatable, not secret
    lines = []
    with Levered(url, timeout=PATIENT, raise_errors=True) as levered:
        for n in range(VISITORS):
            shown = levered.get_variant(optimization_id, f"visitor-{n}")
            likes = shown["headline"] == "Save hours"
            if rng.random() < (0.6 if likes else 0.2):
                lines.append(
                    json.dumps({"anonymous_id": f"visitor-{n}", "name": "signup"})
                )
    file = folder / "signups.jsonl"
    file.write_text("\n".join(lines))
    return file


def test_from_login_to_ship(service: Service, tmp_path: Path) -> None:
    url = f"http://localhost:{service.port}"
    terminal = open_terminal(service, tmp_path)

    login = terminal.spawn("login", "--url", url, cwd=ROOT)
    assert "admin" in login.out, login.err
    metric = terminal.run("metrics", "create", "Signups", "--event", "signup", "--json")
    created = terminal.run(
        *("optimizations", "create", "Landing page", "--reward", "signup"),
        *("--metric", metric.read()["id"], "--holdout", "30"),
        *("--factor", "headline=Start free,Save hours"),
    )
    assert "created Landing page" in created.out, created.err
    shown = terminal.run("optimizations", "show", "Landing page", "--json").read()
    dry = terminal.run("serve", "Landing page", "me", "--dry-run")
    assert re.search(r"headline=(Start free|Save hours)", dry.out), dry.err
    file = send_visitors(url, shown["id"], tmp_path)
    key = terminal.run("api-keys", "create", "backend", "--keep")
    assert "lev_" in key.out, key.err
    sent = terminal.run("ingest", "rewards", file)
    assert re.fullmatch(r"\d+ accepted, 0 known before, 0 refused\n", sent.out), (
        sent.err
    )

    trained = terminal.run("models", "train", "Landing page", "--watch")
    assert "succeeded" in trained.out, trained.err
    results = terminal.run("optimizations", "results", "Landing page", "--refresh")
    assert "headline=Save hours" in results.out, results.err
    assert "█" in results.out
    why = terminal.run("explain", "Landing page", "visitor-1")
    assert "drawn again alike" in why.out, why.err
    shipped = terminal.run("optimizations", "ship", "Landing page", "--confirm")
    assert shipped.out == "shipped Landing page\n", shipped.err

    # Half a second later on a quiet machine, every web process serves what was shipped.
    turns = itertools.count()
    until(
        lambda: serve_new_users(terminal, next(turns)) == {'{"headline":"Save hours"}'},
        5,
    )


def serve_new_users(terminal: Terminal, turn: int) -> set[str]:
    """Serve five users who were never served; return the variants that they got."""
    users = (f"new-{turn}-{n}" for n in range(5))
    return {
        terminal.run("serve", "Landing page", user, "--json").read()["variant_key"]
        for user in users
    }

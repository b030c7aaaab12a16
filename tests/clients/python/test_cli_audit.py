"""The audit log by commands, against the real service."""

import csv
import io
import json
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli.audit import format_changes
from optimizations.models import Optimization
from tests.clients.python.terminals import log_in
from tests.support import factories
from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_audit_log_says_who_changed_what(
    terminal: Terminal, optimization: Optimization
) -> None:
    terminal.run("optimizations", "update", optimization.pk, "--holdout", "35")
    terminal.run("optimizations", "pause", optimization.pk)
    of_this = ("audit", "--optimization", optimization.name)

    table = terminal.run(*of_this)
    paused = terminal.run(*of_this, "--action", "optimization.pause", "--json").read()
    text = terminal.run("audit", "--target", optimization.pk, "--csv").out
    newest = terminal.run("audit", "--limit", "1", "--json").read()
    nobody = terminal.run("audit", "--actor", "user:nobody")

    assert table.code == 0, table.err
    assert "holdout percentage: 10 → 35" in table.out
    assert "status: live → paused" in table.out
    (entry,) = paused
    assert (entry["before"], entry["after"]) == (
        {"status": "live"},
        {"status": "paused"},
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["action"] == "optimization.pause"
    assert json.loads(rows[0]["after"]) == {"status": "paused"}
    assert newest == paused
    assert nobody.out == "audit: none\n"


def test_wrong_filters_are_wrong_usage_or_refused(
    terminal: Terminal, optimization: Optimization
) -> None:
    both = terminal.run(
        *("audit", "--optimization", optimization.pk, "--target", optimization.pk)
    )
    since = terminal.run("audit", "--since", "soon")

    assert (both.code, since.code) == (2, 1)
    assert "since" in since.err


def test_members_may_not_read_it(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> None:
    terminal = log_in(tmp_path, live_server.url, optimization.organization)
    member = factories.member_token(optimization.organization)
    variables = {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": member}

    refused = Terminal(terminal.folder, variables).run("audit")

    assert refused.code == 3
    assert "Only an admin" in refused.err


def test_changes_are_told_in_a_line() -> None:
    assert format_changes({"a": 1, "b": [1, 2]}, {"a": None, "c": "x"}) == (
        "a: 1 → -; b: 1, 2 → gone; c: x"
    )
    assert format_changes(None, {"sql": "S" * 100}) == f"sql: {'S' * 59}…"

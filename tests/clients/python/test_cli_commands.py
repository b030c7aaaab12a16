"""What the commands do, against the real service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli.main import cli
from models_app.models import BanditModel
from optimizations.models import Assignment, Optimization
from tests.clients.python.terminals import log_in
from tests.support.python_client import Terminal
from tests.support.unhealthy_worlds import make_broken_split
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)


def test_shipping_a_broken_one_prints_the_reasons_and_needs_a_confirm(
    live_server: LiveServer, tmp_path: Path
) -> None:
    broken = make_broken_split()
    terminal = log_in(tmp_path, live_server.url, broken.organization)
    ship = ("optimizations", "ship", broken.pk)

    hesitates = terminal.run(*ship)
    broken.refresh_from_db()
    before = broken.status
    shipped = terminal.run(*ship, "--confirm", "--json").read()

    assert hesitates.code == 5
    assert "holdout" in hesitates.err
    assert "--confirm" in hesitates.err
    assert before == "live"
    assert shipped["status"] == "shipped"


def test_a_draft_is_launched(terminal: Terminal, optimization: Optimization) -> None:
    terminal.run("metrics", "create", "Signups", "--event", "signup")
    make = ("optimizations", "create", "Page", "--draft", "--metric", "Signups")
    made = terminal.run(*make, "--factor", "headline=A,B", "--window", 48, "--json")
    config = made.read()["training_data_config"]
    assert config["attribution"]["conversion_window_hours"] == 48

    launched = terminal.run("optimizations", "launch", "Page")
    again = terminal.run("optimizations", "launch", "Page", "--json").read()

    assert launched.out == "launched Page\n", launched.err
    assert again["status"] == "live"


def test_an_optimization_lives_by_commands(
    terminal: Terminal, optimization: Optimization
) -> None:
    created = terminal.run(
        *("metrics", "create", "Signups", "--event", "signup", "--json")
    ).read()
    metric = created["id"]
    made = terminal.run(
        *("optimizations", "create", "Page", "--metric", metric, "--reward", "signup"),
        *("--factor", "headline=Start free,Save hours", "--context", "device=a,b"),
        *("--factor", "is_short=[true, false]", "--holdout", "20"),
        *("--set", "public_policy=true", "--json"),
    ).read()
    name = made["id"]
    changed = terminal.run(
        *("optimizations", "update", "Page", "--holdout", "30", "--json")
    ).read()
    for verb in (
        "pause",
        "resume",
        "ship --confirm",
        "stop --yes",
        "archive",
        "unarchive",
    ):
        done = terminal.run("optimizations", *verb.split(), name)
        assert done.code == 0, (verb, done.err)

    assert made["variants_count"] == 4
    assert made["public_policy"] is True
    assert changed["holdout_percentage"] == 30
    assert terminal.run("optimizations", "delete", name).code == 1  # nobody said yes
    assert terminal.run("metrics", "preview", metric).code == 0
    assert metric in terminal.run("metrics", "list").out
    draft = terminal.run(
        *("optimizations", "create", "Draft", "--draft", "--json"),
        *("--factor", 'headline=["a, b", "c"]', "--factor", "price=[9.99, 20]"),
    ).read()
    factors = draft["training_data_config"]["design_factors"]
    assert [level["value"] for level in factors[1]["levels"]] == [9.99, 20]
    candidate = ("optimizations", "candidate", optimization.pk)
    assert terminal.run(*candidate).code == 4
    assert terminal.run(*candidate, "--set", "allocation=uniform").code == 0
    assert "uniform" in terminal.run(*candidate).out
    assert terminal.run(*candidate, "--delete").code == 0
    assert terminal.run("optimizations", "delete", draft["id"], "--yes").code == 0
    assert not Optimization.objects.filter(name="Draft").exists()


def test_visitors_are_served_explained_and_their_events_sent(
    terminal: Terminal, optimization: Optimization
) -> None:
    serve = ("serve", optimization.pk, "ann", "--context", "device=mobile", "--json")

    dry = terminal.run(*serve, "--dry-run").read()
    assert not Assignment.objects.exists()
    served = terminal.run(*serve).read()
    why = terminal.run("explain", optimization.pk, "ann", "--json").read()
    key = terminal.run(
        *("api-keys", "create", "server", "--scope", "ingest", "--keep", "--json")
    ).read()
    rewards = terminal.folder / "rewards.jsonl"
    rewards.write_text(
        "\n".join(
            json.dumps({"anonymous_id": f"user-{n}", "name": "purchase"})
            for n in range(501)
        )
    )
    sent = terminal.run("ingest", "rewards", rewards)
    partly = terminal.run(
        *("ingest", "rewards", "-", "--json"),
        stdin='[{"anonymous_id": "ann", "name": "purchase"}, {"name": "purchase"}]',
    )

    assert dry["variant_number"] == served["variant_number"] == why["variant_number"]
    assert why["context"] == {"device": "mobile"}
    assert sent.out == "501 accepted, 0 known before, 0 refused\n", sent.err
    assert partly.code == 1
    assert json.loads(partly.out)["rejected"][0]["index"] == 1
    assert ManagedReward.objects.count() == 502
    rotated = terminal.run("api-keys", "rotate", key["id"], "--json").read()
    assert rotated["secret"] != key["secret"]
    assert "server" in terminal.run("api-keys", "list").out
    assert terminal.run("api-keys", "revoke", key["id"], "--yes").code == 0
    assert terminal.run("ingest", "rewards", rewards).code == 3


def _list_commands(group: click.Group, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _list_commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_command_prints_json() -> None:
    """Only the script of a shell is none."""
    without = [
        name
        for name, command in _list_commands(cli)
        if "json" not in {parameter.name for parameter in command.params}
    ]

    assert without == ["completion"]


def test_what_deletes_prints_what_it_deleted(
    terminal: Terminal, optimization: Optimization
) -> None:
    make = ("metrics", "create", "Spare", "--event", "spare", "--json")
    metric = terminal.run(*make).read()["id"]
    key = terminal.run("api-keys", "create", "spare", "--json").read()["id"]
    model = BanditModel.objects.create(
        organization=optimization.organization,
        model_type="cmab",
        training_data_config=optimization.model.training_data_config,
    )

    deleted = [
        terminal.run(*command.split(), name, "--yes", "--json").read()
        for command, name in (
            ("metrics delete", metric),
            ("models delete", model.pk),
            ("api-keys revoke", key),
        )
    ]

    assert deleted == [
        {"id": metric, "deleted": True},
        {"id": str(model.pk), "deleted": True},
        {"id": key, "revoked": True},
    ]


def test_the_warehouse_is_looked_at(terminal: Terminal) -> None:
    query = ("warehouse", "query", "SELECT 1 AS one, 'a,b' AS two", "--csv")
    mapping = (
        "anonymous_id=anonymous_id",
        "timestamp=timestamp_utc",
        "reward_type=bool",
    )
    preview = terminal.run(
        *("warehouse", "preview", "SELECT * FROM managed_dw.rewards"),
        *(part for each in mapping for part in ("--column", each)),
    )

    assert terminal.run("warehouse", "connect", "managed").code == 0
    assert "managed" in terminal.run("warehouse", "status").out
    assert "rewards" in terminal.run("warehouse", "tables").out
    assert (
        "anonymous_id" in terminal.run("warehouse", "columns", "managed_dw.rewards").out
    )
    assert terminal.run(*query).out == 'one,two\n1,"a,b"\n'
    assert preview.code == 0
    assert "warning: " in preview.err
    refused = terminal.run("warehouse", "query", "DELETE FROM managed_dw.rewards")
    assert refused.code == 1
    assert "error: " in refused.err

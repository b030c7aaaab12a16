"""What the commands do, against the real service."""

import csv
import io
import json
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from models_app.models import TrainingRun
from optimizations.models import Assignment, Optimization
from tests.clients.python.terminals import log_in
from tests.support.python_client import Terminal
from tests.support.result_visitors import make_visited_optimization, train_and_return
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


@pytest.fixture(scope="module")
def readings() -> list[tuple[str, ...]]:
    """Return the commands that read a trained optimization, and what they show."""
    return [
        ("optimizations results {}", "probability of being best", "variants"),
        ("optimizations results {} --refresh", "valid at any time", "variants"),
        ("optimizations progress {}", "days running", "conversions"),
        ("optimizations guardrails {}", "guardrails: none", "guardrails"),
        ("optimizations lift-history {}", "measured", "daily"),
        ("optimizations observations {}", "converted", ""),
        ("optimizations report-data {}", '"holdout_daily"', "results"),
        ("optimizations evaluate {} --variant 2", "would have earned", "estimators"),
        ("optimizations evaluate {}", "effective users", "estimators"),
        ("optimizations show {}", "exploration", "variants_count"),
        ("optimizations show {}", "device: mobile, desktop", "variants_count"),
        ("models list", "cmab", ""),
        ("models state {}", "version 1, trained", "coefficients"),
        ("models runs {}", "succeeded", ""),
        ("models policy {}", "device=mobile", "draw_rule"),
    ]


def test_every_reading_has_a_table_and_json(
    live_server: LiveServer, tmp_path: Path, readings: list[tuple[str, str, str]]
) -> None:
    trained = make_broken_split()
    terminal = log_in(tmp_path, live_server.url, trained.organization)

    for command, shown, field in readings:
        arguments = command.format(trained.pk).split()
        table = terminal.run(*arguments)
        assert table.code == 0, (command, table.err)
        assert shown in table.out, (command, table.out)
        if "report-data" not in command:
            document = terminal.run(*arguments, "--json").read()
            assert document if not field else field in document, command


def test_results_show_the_difference_beside_the_lift(
    live_server: LiveServer, tmp_path: Path
) -> None:
    trained = train_and_return(make_visited_optimization())
    terminal = log_in(tmp_path, live_server.url, trained.organization)
    command = ("optimizations", "results", trained.pk)

    shown = terminal.run(*command).out
    measured = terminal.run(*command, "--json").read()["primary_metric_vs_holdout"]

    low, high = measured["difference_ci"]
    rows = [line.split() for line in shown.splitlines()]
    assert ["difference", f"{measured['difference']:+.4g}"] in rows
    assert f"{low:+.4g} to {high:+.4g}" in shown
    assert shown.count("valid at any time") == 2


def test_a_failed_training_says_why_in_the_list_of_runs(
    terminal: Terminal, optimization: Optimization
) -> None:
    assert (
        terminal.run("models", "runs", optimization.pk).out == "training runs: none\n"
    )
    TrainingRun.objects.create(
        model=optimization.model, status="failed", progress=0.25, error="no such table"
    )

    shown = terminal.run("models", "runs", optimization.name).out
    (row,) = csv.DictReader(
        io.StringIO(terminal.run("models", "runs", optimization.pk, "--csv").out)
    )

    assert "no such table" in shown
    assert "25.0%" in shown
    assert (row["status"], row["error"]) == ("failed", "no such table")


def test_variants_of_an_optimization_are_rows(
    terminal: Terminal, optimization: Optimization
) -> None:
    text = terminal.run("optimizations", "show", optimization.pk, "--csv").out

    rows = list(csv.DictReader(io.StringIO(text)))

    assert [row["number"] for row in rows] == ["1", "2", "3", "4"]
    assert json.loads(rows[0]["variant"])["headline"] == "A"


def test_a_draft_is_launched(terminal: Terminal, optimization: Optimization) -> None:
    terminal.run("metrics", "create", "Signups", "--event", "signup")
    make = ("optimizations", "create", "Page", "--draft", "--metric", "Signups")
    assert terminal.run(*make, "--factor", "headline=A,B").code == 0

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
        *("--factor", 'headline=["a, b", "c"]'),
    ).read()
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

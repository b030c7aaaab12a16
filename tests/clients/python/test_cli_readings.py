"""What commands show of optimizations, against the real service."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.clients.python.terminals import log_in
from tests.support.python_client import Terminal
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def readings() -> list[tuple[str, ...]]:
    """Return the commands that read a trained optimization, and what they show."""
    return [
        ("optimizations results {}", "probability of being best", "variants"),
        ("optimizations results {} --refresh", "valid at any time", "variants"),
        ("optimizations progress {}", "days running", "conversions"),
        ("optimizations guardrails {}", "guardrails: none", "guardrails"),
        ("optimizations lift-history {}", "measured", "daily"),
        ("optimizations lift-curve {}", "95% interval", "daily"),
        ("optimizations observations {}", "converted", ""),
        ("optimizations report-data {}", '"holdout_daily"', "results"),
        ("optimizations evaluate {} --variant 2", "would have earned", "estimators"),
        ("optimizations evaluate {}", "effective users", "estimators"),
        ("optimizations show {}", "exploration", "variants_count"),
        ("optimizations show {}", "device: mobile, desktop", "variants_count"),
        ("models list", "cmab", ""),
        ("models state {}", "version 1, trained", "coefficients"),
        ("models runs {}", "succeeded", ""),
        ("models versions {}", "training", ""),
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
        document = terminal.run(*arguments, "--json").read()
        assert document if not field else field in document, command


def test_a_reading_of_one_document_is_one_row(
    terminal: Terminal, optimization: Optimization
) -> None:
    for reading in ("progress", "evaluate --variant 2"):
        done = terminal.run("optimizations", *reading.split(), optimization.pk, "--csv")
        assert done.code == 0, done.err
        (row,) = csv.DictReader(io.StringIO(done.out))
        assert any(row.values())


def test_flags_of_rows_are_true_and_false(
    terminal: Terminal, optimization: Optimization
) -> None:
    text = terminal.run("optimizations", "show", optimization.pk, "--csv").out

    assert {row["enabled"] for row in csv.DictReader(io.StringIO(text))} == {"true"}


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


def test_figures_that_are_withheld_have_their_reason(
    terminal: Terminal, optimization: Optimization
) -> None:
    results = terminal.run("optimizations", "results", optimization.pk).out
    progress = terminal.run("optimizations", "progress", optimization.pk).out

    assert re.search(r"^  lift, 95% interval, .+: .+", results, re.MULTILINE), results
    assert re.search(r"^  .*days to decision: .+", progress, re.MULTILINE), progress


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

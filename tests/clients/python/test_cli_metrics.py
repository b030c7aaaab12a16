"""Metrics by the command line: found by name, and previewed before they are saved."""

import json
from pathlib import Path

import pytest

from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)

SQL = (
    "SELECT anonymous_id, timestamp_utc, value FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date"
)


@pytest.fixture
def signups(terminal: Terminal) -> str:
    """Make a metric with one event; return its id."""
    terminal.run("api-keys", "create", "server", "--keep")
    event = json.dumps({"anonymous_id": "ann", "name": "signup", "value": 7})
    assert terminal.run("ingest", "rewards", "-", stdin=event).code == 0
    made = terminal.run("metrics", "create", "Signups", "--event", "signup", "--json")
    return str(made.read()["id"])


def test_a_metric_is_previewed_by_name_by_id_and_by_the_beginning_of_it(
    terminal: Terminal, signups: str
) -> None:
    shown = [
        terminal.run("metrics", "preview", name, "--json").read()["row_count"]
        for name in ("Signups", signups, signups[:8])
    ]

    assert shown == [1, 1, 1]


def test_sql_of_a_file_or_of_the_input_is_previewed_like_a_metric(
    terminal: Terminal, signups: str, tmp_path: Path
) -> None:
    file = tmp_path / "signup.sql"
    file.write_text(SQL)

    saved = terminal.run("metrics", "preview", signups, "--json").read()
    of_file = terminal.run("metrics", "preview", f"@{file}", "--json").read()
    of_input = terminal.run(
        *("metrics", "preview", "-", "--type", "numeric", "--csv"), stdin=SQL
    )

    assert of_file["row_count"] == saved["row_count"] == 1
    assert "anonymous_id,timestamp_utc,value\nann," in of_input.out
    assert of_input.out.endswith(",7.0\n")


def test_a_metric_says_what_a_conversion_is_worth(terminal: Terminal) -> None:
    worth = ("--value", "25", "--currency", "EUR", "--json")

    made = terminal.run(
        "metrics", "create", "Orders", "--event", "order", *worth
    ).read()

    assert (made["value_per_conversion"], made["currency"]) == (25, "EUR")


def test_an_optimization_names_its_metrics(terminal: Terminal, signups: str) -> None:
    terminal.run("metrics", "create", "Refunds", "--event", "refund")

    made = terminal.run(
        *("optimizations", "create", "Page", "--draft", "--metric", "Signups"),
        *("--guardrail", "Refunds", "--factor", "headline=A,B", "--json"),
    ).read()

    assert made["reward_metric_id"] == signups
    assert [each["name"] for each in made["guardrail_metrics"]] == ["Refunds"]


def test_a_name_that_two_metrics_have_asks_for_an_id(
    terminal: Terminal, signups: str
) -> None:
    terminal.run("metrics", "create", "Signups", "--event", "signup")

    done = terminal.run("metrics", "preview", "Signups")

    assert done.code == 2
    assert signups in done.err


@pytest.mark.parametrize("name", ["Nothing", "", "a"])
def test_a_name_that_no_metric_has_is_not_found(
    terminal: Terminal, signups: str, name: str
) -> None:
    """An unset variable of a shell must not delete the only one."""
    deleted = terminal.run("metrics", "delete", name, "--yes")

    assert deleted.code == 4
    assert signups in terminal.run("metrics", "list").out

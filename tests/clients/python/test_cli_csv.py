"""The command line prints the API's CSV: the same columns, and all pages of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli.main import cli
from levered.cli.readings import SECTIONS
from levered.errors import UnusableAnswerError
from models_app.models import TrainingRun
from optimizations.models import Optimization
from optimizations.views import csv_rows
from tests.clients.python.terminals import log_in
from tests.support import factories
from tests.support.factories import Api
from tests.support.optimization_factories import make_metric
from tests.support.python_client import Opener, Terminal
from tests.support.result_visitors import make_member_api
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)

SQL = "SELECT 1 AS one, '=1+1' AS two"
MAPPING = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
REWARDS = "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
# By command: what it asks of the API, and the body if that is a POST.
ASKED: dict[str, tuple[str, object]] = {
    "optimizations list": ("/optimizations", None),
    "optimizations show {o}": ("/optimizations/{o}/variants", None),
    "optimizations results {o}": ("/optimizations/{o}/results", None),
    "optimizations progress {o}": ("/optimizations/{o}/progress", None),
    "optimizations guardrails {o}": ("/optimizations/{o}/guardrails", None),
    "optimizations lift-history {o}": ("/optimizations/{o}/lift-history", None),
    "optimizations lift-curve {o}": ("/optimizations/{o}/lift-curve", None),
    "optimizations notes list {o}": ("/optimizations/{o}/notes", None),
    "optimizations share list {o}": ("/optimizations/{o}/share-links", None),
    "optimizations holdout-daily {o}": ("/optimizations/{o}/holdout-daily", None),
    "optimizations outcome-mix {o}": ("/optimizations/{o}/outcome-mix", None),
    "optimizations observations {o}": (
        "/optimizations/{o}/observations?limit=100",
        None,
    ),
    "optimizations evaluate {o} --variant 2": (
        "/optimizations/{o}/evaluate",
        {"policy": {"variant": 2}},
    ),
    "optimizations candidate {o}": ("/optimizations/{o}/candidate", None),
    "models list": ("/models", None),
    "models state {o} --section contexts": ("/models/{m}/state?section=contexts", None),
    "models runs {o}": ("/models/{m}/training-runs", None),
    "models versions {o}": ("/models/{m}/versions", None),
    "audit": ("/audit", None),
    "models policy {o}": ("/models/{m}/policy", None),
    "metrics list": ("/warehouse/metrics", None),
    "metrics preview {metric}": (
        "/warehouse/metrics/{metric}/preview",
        {"limit": 20},
    ),
    "warehouse tables": ("/warehouse/tables", None),
    "warehouse columns managed_dw.rewards": (
        "/warehouse/tables/managed_dw.rewards/columns",
        None,
    ),
    f"warehouse query|{SQL}": ("/warehouse/query", {"sql": SQL, "limit": 100}),
    f"warehouse preview|{REWARDS}|--column|anonymous_id=anonymous_id|--column"
    "|timestamp=timestamp_utc|--column|reward_type=bool|--limit|3": (
        "/warehouse/preview",
        {
            "sql": REWARDS,
            "column_mapping": MAPPING | {"reward_type": "bool"},
            "limit": 3,
        },
    ),
    "api-keys list": ("/api-keys", None),
    "explain {o} {user}": ("/optimizations/{o}/decisions/{user}", None),
}
# Rows that only this machine has.
LOCAL = {"env list", "config list"}
USER = "visitor 1/2"


def _fill(text: str, trained: Optimization) -> str:
    return text.format(
        o=trained.pk, m=trained.model_id, metric=trained.reward_metric_id, user="{user}"
    )


def _split(command: str, trained: Optimization) -> list[str]:
    filled = _fill(command, trained)
    first, *texts = filled.split("|")
    return [part.replace("{user}", USER) for part in first.split()] + texts


def test_every_command_with_rows_prints_the_file_of_the_api(
    live_server: LiveServer, tmp_path: Path
) -> None:
    trained = make_broken_split()
    terminal = log_in(tmp_path, live_server.url, trained.organization)
    api = factories.make_admin_api(trained.organization)
    api.put(f"/optimizations/{trained.pk}/candidate", {"exploration_share": 0.05})
    served = {"anonymous_id": USER, "context": {"device": "mobile"}}
    assert Api().post(f"/optimizations/{trained.pk}/serve", served).status_code == 200

    for command, (path, body) in ASKED.items():
        address = _fill(path, trained).replace("{user}", "visitor%201%2F2")
        method = "GET" if body is None else "POST"
        asked = api.request(method, address, body, {"Accept": "text/csv"})
        done = terminal.run(*_split(command, trained), "--csv")

        assert done.code == 0, (command, done.err)
        assert asked.status_code == 200, (command, asked.content)
        assert done.out == asked.content.decode().replace("\r\n", "\n"), command
        is_broken = asked.get("X-Health", "").startswith("broken")
        assert ("health: broken" in done.err) == is_broken, command


def _list_commands(group: click.Group, path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield each command, and whether it has --csv."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _list_commands(command, f"{path}{name} ")
        else:
            options = {option for each in command.params for option in each.opts}
            yield f"{path}{name}", "--csv" in options


def test_every_command_with_csv_is_compared() -> None:
    with_csv = {name for name, has_csv in _list_commands(cli) if has_csv}

    compared = {
        name for name in with_csv if any(command.startswith(name) for command in ASKED)
    }
    assert with_csv - compared == LOCAL


def test_the_sections_are_those_of_the_api() -> None:
    assert [section.name for section in csv_rows.RESULTS] == list(SECTIONS)


def test_all_pages_are_one_table(
    terminal: Terminal, optimization: Optimization
) -> None:
    for _ in range(104):
        make_metric(optimization.organization)

    done = terminal.run("metrics", "list", "--csv")

    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len({row["id"] for row in rows}) == len(rows) == 105
    assert done.out.count("id,name,sql,") == 1


def test_a_limit_cuts_the_rows_and_not_the_cells(
    terminal: Terminal, optimization: Optimization
) -> None:
    for number in range(5):
        error = f'line "{number}"\r\nand, another'
        TrainingRun.objects.create(
            model=optimization.model, status="failed", error=error
        )

    done = terminal.run("models", "runs", optimization.pk, "--limit", "3", "--csv")

    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) == 3
    assert all(row["error"].startswith('line "') for row in rows)
    assert all(row["status"] == "failed" for row in rows)


def test_a_query_that_has_more_rows_says_so(terminal: Terminal) -> None:
    sql = "SELECT n FROM generate_series(1, 9) AS n"

    done = terminal.run("warehouse", "query", sql, "--limit", "2", "--csv")

    assert done.out == "n\n1\n2\n"
    assert "there are more rows" in done.err


def test_warnings_of_a_preview_go_to_the_error_output(terminal: Terminal) -> None:
    sql = REWARDS + " WHERE name = 'never'"
    columns = [f"{name}={column}" for name, column in MAPPING.items()]

    done = terminal.run(
        *("warehouse", "preview", sql, "--column", columns[0], "--column", columns[1]),
        *("--column", "reward_type=bool", "--csv"),
    )

    assert done.out == "anonymous_id,timestamp_utc\n"
    assert "warning: The query returned no rows for the last 30 days." in done.err


def test_a_section_without_csv_is_wrong_usage(tmp_path: Path) -> None:
    done = Terminal(tmp_path, {}).run("models", "state", "x", "--section", "contexts")

    assert done.code == 2
    assert "add --csv" in done.err


def test_an_answer_without_csv_is_no_file(
    live_server: LiveServer, open_client: Opener, optimization: Optimization
) -> None:
    token = factories.admin_token(optimization.organization)
    client = open_client(live_server.url, token)

    with pytest.raises(UnusableAnswerError, match="without CSV"):
        next(client.iterate_csv("/me"))


def test_a_client_reads_pages_with_what_is_said_of_them(
    live_server: LiveServer, open_client: Opener
) -> None:
    trained = make_broken_split()
    token = factories.member_token(trained.organization)
    client = open_client(live_server.url, token)
    path = f"/optimizations/{trained.pk}/outcome-mix"
    whole = make_member_api(trained).get(path, Accept="text/csv").content

    pages = list(client.iterate_csv(path, limit=5))

    assert pages[0].header + b"".join(page.lines for page in pages) == whole
    assert {page.count for page in pages[:-1]} == {5}
    assert all(page.health.startswith("broken") for page in pages)
    assert pages[0].content.count(b"\r\n") == 6

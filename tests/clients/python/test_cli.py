"""The command line, against the real service."""

import csv
import io
import json
import stat
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from levered_site.organizations.models import Organization
from optimizations.models import Assignment, Optimization
from tests.support import factories
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import Terminal
from tests.support.unhealthy_worlds import make_broken_split
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)


def log_in(folder: Path, url: str, organization: Organization) -> Terminal:
    """Open the terminal of an admin."""
    terminal = Terminal(folder, {})
    token = factories.admin_token(organization)
    done = terminal.run("--env", "test", "login", "--url", url, stdin=token)
    assert done.code == 0, done.err
    return terminal


@pytest.fixture
def optimization() -> Optimization:
    """Make a live optimization."""
    return make_live_optimization()


@pytest.fixture
def terminal(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> Terminal:
    """Open the terminal of an admin of its organization."""
    return log_in(tmp_path, live_server.url, optimization.organization)


def test_a_pasted_token_is_kept_for_its_environment_and_for_nobody_else(
    live_server: LiveServer, tmp_path: Path, optimization: Optimization
) -> None:
    terminal = Terminal(tmp_path, {})
    token = factories.admin_token(optimization.organization)

    done = terminal.run(
        *("--env", "staging", "login", "--url", f"{live_server.url}/api/v2/"),
        stdin=f"{token}\n",
    )
    who = terminal.run("whoami", "--json").read()

    assert done.code == 0, done.err
    assert token not in done.out + done.err
    assert who["environment"] == "staging"
    assert who["role"] == "admin"
    secrets = tmp_path / "credentials.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert json.loads(secrets.read_text()) == {"staging": {"token": token}}
    rows = terminal.run("env", "list", "--json").read()
    assert [row["name"] for row in rows if row["used"]] == ["staging"]
    assert terminal.run("env", "use", "local").code == 0
    assert terminal.run("env", "use", "nowhere").code == 2
    assert terminal.run("--env", "staging", "logout").code == 0
    assert token not in secrets.read_text()
    assert terminal.run("--env", "staging", "whoami").code == 3


def test_a_kept_token_is_not_sent_to_another_address(
    terminal: Terminal, live_server: LiveServer
) -> None:
    elsewhere = Terminal(terminal.folder, {"LEVERED_URL": live_server.url})

    assert terminal.run("whoami").code == 0
    assert elsewhere.run("whoami").code == 3


def test_a_wrong_token_is_not_kept(live_server: LiveServer, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {})

    done = terminal.run(
        "--env", "test", "login", "--url", live_server.url, stdin="nonsense\n"
    )

    assert done.code == 3
    assert not (tmp_path / "credentials.json").exists()


def test_exit_codes_say_what_went_wrong(
    terminal: Terminal, optimization: Optimization
) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    away = Terminal(terminal.folder, {"LEVERED_URL": "http://127.0.0.1:9"})

    codes = [
        terminal.run("optimizations", "show", nobody).code,
        terminal.run("optimizations", "show", "no such name").code,
        terminal.run("optimizations", "resume", optimization.pk).code,
        terminal.run("optimizations", "update", optimization.pk, "--holdout=99").code,
        away.run("serve", nobody, "ann").code,
    ]

    assert codes == [4, 2, 0, 1, 6]


def test_rows_are_a_table_json_or_csv(
    terminal: Terminal, optimization: Optimization
) -> None:
    command = ("optimizations", "list")

    table = terminal.run(*command).out
    rows = terminal.run(*command, "--json").read()
    (record,) = csv.DictReader(io.StringIO(terminal.run(*command, "--csv").out))

    assert optimization.name in table
    assert str(optimization.pk) in table
    assert [row["id"] for row in rows] == [record["id"]] == [str(optimization.pk)]
    assert record["status"] == "live"


def test_a_setting_changes_how_everything_is_printed(terminal: Terminal) -> None:
    assert terminal.run("config", "set", "output", "json").code == 0
    assert terminal.run("config", "set", "output", "yaml").code == 2

    assert terminal.run("config", "get", "output").out == "json\n"
    assert terminal.run("whoami").read()["role"] == "admin"
    assert len(terminal.run("config", "list").read()) == 2


def test_a_name_says_nothing_to_the_terminal(
    terminal: Terminal, optimization: Optimization
) -> None:
    Optimization.objects.update(name="[red]x[/red] \x1b[31m")

    shown = terminal.run("optimizations", "list").out

    assert "[red]x[/red] \ufffd[31m" in shown
    assert "\x1b" not in shown


def test_an_optimization_is_found_by_name_and_by_the_beginning_of_its_id(
    terminal: Terminal, optimization: Optimization
) -> None:
    by_name = terminal.run("optimizations", "show", optimization.name, "--json").read()
    by_start = terminal.run("optimizations", "show", str(optimization.pk)[:8])

    assert by_name["id"] == str(optimization.pk)
    assert "headline=A" in by_start.out


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
        ("models list", "cmab", ""),
        ("models state {}", "version 1, trained", "coefficients"),
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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(tmp_path: Path, shell: str) -> None:
    terminal = Terminal(tmp_path, {})

    script = terminal.run("completion", shell).out

    assert "_LEVERED_COMPLETE" in script


def test_a_word_is_completed(tmp_path: Path) -> None:
    asked = {
        "_LEVERED_COMPLETE": "bash_complete",
        "COMP_WORDS": "levered optimizations sh",
        "COMP_CWORD": "2",
    }

    completed = Terminal(tmp_path, asked).spawn().out

    assert completed.split() == ["plain,ship", "plain,show"]

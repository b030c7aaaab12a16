"""The command line itself: who is logged in, how it prints, what its exit codes say."""

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli import main
from levered.cli.session import NotFoundError
from optimizations.models import Optimization
from tests.support import factories
from tests.support.code_blocks import ROOT
from tests.support.python_client import PACKAGE, Terminal

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_login_to_another_environment_does_not_send_later_commands_there(
    terminal: Terminal, live_server: LiveServer, optimization: Optimization
) -> None:
    """A pause that was meant for a test must not reach production."""
    token = factories.admin_token(optimization.organization)
    prod = ("--env", "prod")
    login = (*prod, "login", "--url", live_server.url)

    first = terminal.run(*login, stdin=token)
    again = terminal.run(*login, "--json", stdin=token).read()
    after_login = terminal.run("whoami", "--json").read()
    out = terminal.run(*prod, "logout")
    after_logout = terminal.run("whoami", "--json").read()

    assert "test is in use: `levered env use prod`" in " ".join(first.out.split())
    assert (again["environment"], again["used"]) == ("prod", "test")
    assert after_login["environment"] == after_logout["environment"] == "test"
    assert out.out == "logged out of prod; test is in use\n"
    assert terminal.run("env", "use", "prod", "--json").read()["used"] == "prod"
    assert terminal.run("whoami").code == 3


def test_a_login_after_the_last_logout_does_not_switch(
    terminal: Terminal, live_server: LiveServer, optimization: Optimization
) -> None:
    token = factories.admin_token(optimization.organization)
    terminal.run("logout")

    terminal.run("--env", "prod", "login", "--url", live_server.url, stdin=token)

    assert terminal.run("whoami").code == 3


def test_the_variable_of_the_environment_wins_and_is_named(
    terminal: Terminal, live_server: LiveServer, optimization: Optimization
) -> None:
    token = factories.admin_token(optimization.organization)
    named = Terminal(terminal.folder, {"LEVERED_ENV": "prod"})

    named.run("login", "--url", live_server.url, stdin=token)
    switched = named.run("env", "use", "test")

    rows = named.run("env", "list", "--json").read()
    assert [row["name"] for row in rows if row["used"]] == ["prod"]
    assert "LEVERED_ENV is set, so prod is used" in switched.err
    assert terminal.run("whoami", "--json").read()["environment"] == "test"


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

    assert codes == [4, 4, 0, 1, 6]


def test_an_address_that_does_not_answer_is_named(tmp_path: Path) -> None:
    away = Terminal(tmp_path, {"LEVERED_URL": "http://127.0.0.1:9"})

    asked = away.run("whoami")

    assert asked.code == 6
    assert "http://127.0.0.1:9" in asked.err
    assert "levered login --url" in asked.err


def test_a_login_that_nobody_answers_names_the_address(tmp_path: Path) -> None:
    login = ("--env", "prod", "login", "--url", "http://127.0.0.1:9")

    asked = Terminal(tmp_path, {}).run(*login, stdin="token\n")

    assert asked.code == 6
    assert "Asked http://127.0.0.1:9." in asked.err


EXIT_CODES = re.compile(r"^\| (\d) \| (.+?) \|$", re.MULTILINE)


def test_the_exit_codes_stand_in_the_help_and_on_both_pages() -> None:
    """Each place names all of them; a script relies on the numbers."""
    codes = {main.FAILED, main.FORBIDDEN, main.NOT_FOUND, main.CONFLICT, main.AWAY}
    pages = [PACKAGE / "README.md", ROOT / "docs" / "clients-python.md"]

    tables = [dict(EXIT_CODES.findall(page.read_text())) for page in pages]

    assert tables[0] == tables[1]
    assert {int(code) for code in tables[0]} == codes | {0, 2}
    assert NotFoundError.exit_code == main.NOT_FOUND
    epilog = main.cli.epilog or ""
    assert [code for code in tables[0] if f" {code} " not in epilog] == []


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

    got = terminal.run("config", "get", "output").read()
    assert got == {"name": "output", "value": "json"}
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

    assert completed.split() == ["plain,share", "plain,ship", "plain,show"]

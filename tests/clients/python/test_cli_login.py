"""Where a login keeps what it was given, and where commands go afterwards."""

import json
from pathlib import Path

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli.config import LOCAL, LOCAL_URL, Config
from optimizations.models import Optimization
from tests.support import factories
from tests.support.python_client import Terminal

needs_service = pytest.mark.django_db(transaction=True)
PRODUCTION = "https://levered.example"


@pytest.fixture
def first_url(live_server: LiveServer) -> str:
    """Return an address of the service."""
    return f"http://localhost:{httpx.URL(live_server.url).port}"


@pytest.fixture
def second_url(live_server: LiveServer) -> str:
    """Return another address, which is another service to the command line."""
    return f"http://127.0.0.1:{httpx.URL(live_server.url).port}"


@pytest.fixture
def token(optimization: Optimization) -> str:
    """Return the token of an admin."""
    return factories.admin_token(optimization.organization)


def _read_addresses(terminal: Terminal) -> dict[str, str]:
    rows = terminal.run("env", "list", "--json").read()
    return {row["name"]: row["url"] for row in rows}


@needs_service
def test_a_login_at_a_second_address_leaves_the_environment_in_use_where_it_was(
    first_url: str, second_url: str, token: str, tmp_path: Path
) -> None:
    """A pause that was meant for a test must not reach production."""
    terminal = Terminal(tmp_path, {})
    name = second_url.removeprefix("http://")
    terminal.run("login", "--url", first_url, "--token", token)
    before = terminal.run("whoami", "--json").read()

    done = terminal.run("login", "--url", f"{second_url}/api/v2/", "--token", token)

    assert f"{LOCAL} is in use: `levered env use {name}`" in " ".join(done.out.split())
    assert done.err == ""
    after = terminal.run("whoami", "--json").read()
    assert (after["environment"], after["url"]) == (LOCAL, first_url)
    assert after == before
    assert _read_addresses(terminal) == {LOCAL: first_url, name: second_url}
    assert terminal.run("env", "use", name).code == 0
    assert terminal.run("whoami", "--json").read()["url"] == second_url


@needs_service
def test_a_login_at_a_known_address_renews_the_credential_of_its_environment(
    first_url: str, second_url: str, token: str, tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path, {})
    for name, url in (("shop", first_url), ("staging", second_url)):
        terminal.run("--env", name, "login", "--url", url, "--token", token)
    terminal.run("--env", "staging", "logout")

    again = terminal.run("login", "--url", second_url, "--json", "--token", token)

    assert again.read()["environment"] == "staging"
    assert again.read()["used"] == "shop"
    assert set(_read_addresses(terminal)) == {LOCAL, "shop", "staging"}
    assert terminal.run("--env", "staging", "whoami").code == 0


@needs_service
def test_an_environment_that_moves_says_so_and_forgets_the_key_of_before(
    terminal: Terminal, live_server: LiveServer, second_url: str, token: str
) -> None:
    terminal.run("api-keys", "create", "backend", "--keep")

    moved = terminal.run(
        *("--env", "test", "login", "--url", second_url, "--token", token)
    )

    assert moved.err == f"warning: test was {live_server.url}, now {second_url}\n"
    kept = json.loads((terminal.folder / "credentials.json").read_text())
    assert kept == {"test": {"token": token}}


@needs_service
def test_an_address_in_a_variable_that_wins_is_named(
    terminal: Terminal, live_server: LiveServer, token: str
) -> None:
    named = Terminal(terminal.folder, {"LEVERED_URL": PRODUCTION})
    same = Terminal(terminal.folder, {"LEVERED_URL": f"{live_server.url}/"})
    warning = f"warning: LEVERED_URL is set: commands go to {PRODUCTION}\n"

    assert named.run("login", "--token", token).err == warning
    assert named.run("env", "use", "test").err == warning
    assert same.run("login", "--token", token).err == ""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (LOCAL_URL, LOCAL),
        ("https://shop.example:443", "shop"),
        ("http://shop.example", "shop.example"),
        ("https://levered.example:8443", "levered.example:8443"),
        ("https://tools.example/levered", "tools.example/levered"),
        ("http://taken.example", "http://taken.example"),
        ("http://localhost:3200", "localhost:3200"),
    ],
)
def test_a_new_environment_is_called_by_its_host(
    tmp_path: Path, url: str, name: str
) -> None:
    config = Config(
        tmp_path,
        environment="shop",
        environments={
            "shop": "https://shop.example",
            "taken.example": "https://taken.example",
        },
        credentials={"shop": {"token": "secret"}},
    )

    assert config.choose_environment(url) == name


def test_a_first_environment_on_this_machine_is_local(tmp_path: Path) -> None:
    assert Config(tmp_path).choose_environment("http://localhost:3200") == LOCAL
    assert Config(tmp_path).choose_environment(PRODUCTION) == "levered.example"

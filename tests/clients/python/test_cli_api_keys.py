"""Publishable keys by the command line: made, shown again, and used by a page."""

import json

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "https://www.shop.example"
CREATE = (
    *("api-keys", "create", "pages", "--scope", "track", "--origin", SHOP),
    *("--reward", "signup", "--reward", "revenue=-2.5..500"),
)


def test_a_publishable_key_sends_the_rewards_that_were_named(
    terminal: Terminal, live_server: LiveServer
) -> None:
    made = terminal.run(*CREATE, "--json").read()

    answer = httpx.post(
        f"{live_server.url}/api/v2/track",
        json={
            "key": made["public_key"],
            "anonymous_id": "ann",
            "events": [
                {"type": "reward", "name": "signup"},
                {"type": "reward", "name": "revenue", "value": 500},
                {"type": "reward", "name": "revenue", "value": 501},
            ],
        },
        headers={"Origin": SHOP},
    )

    assert made["public_key"].startswith("lev_pub_")
    assert made["rewards"] == [
        {"name": "signup", "min": 1, "max": 1},
        {"name": "revenue", "min": -2.5, "max": 500},
    ]
    assert made["origins"] == [SHOP]
    assert answer.status_code == 207
    assert [each["index"] for each in answer.json()["rejected"]] == [2]


def test_a_publishable_key_is_shown_again(terminal: Terminal) -> None:
    shown = terminal.run(*CREATE)
    (row,) = terminal.run("api-keys", "list", "--json").read()

    assert row["public_key"] in shown.out
    assert "signup=1..1, revenue=-2.5..500" in shown.out
    assert row["public_key"] in terminal.run("api-keys", "list").out


def test_a_publishable_key_that_is_rotated_is_called_public(
    terminal: Terminal,
) -> None:
    terminal.run(*CREATE)

    rotated = terminal.run("api-keys", "rotate", "pages")

    assert "this may stand in a page" in rotated.out
    assert "lev_pub_" in rotated.out
    assert "secret" not in rotated.out
    assert "shown once" not in rotated.out


def test_a_key_without_rewards_and_origins_says_what_it_takes(
    terminal: Terminal,
) -> None:
    shown = terminal.run("api-keys", "create", "pages", "--scope", "track").out

    assert "exposures only" in shown
    assert "every page" in shown


@pytest.mark.parametrize("bounds", ["=1..1", "signup=", "signup=1", "signup=a..b"])
def test_bounds_that_are_none_are_wrong_usage(terminal: Terminal, bounds: str) -> None:
    done = terminal.run(
        "api-keys", "create", "pages", "--scope", "track", "--reward", bounds
    )

    assert done.code == 2
    assert "NAME=MIN..MAX" in done.err
    assert terminal.run("api-keys", "list", "--json").read() == []


def test_a_publishable_key_is_not_kept_for_ingest(terminal: Terminal) -> None:
    done = terminal.run(*CREATE, "--keep")

    assert done.code == 2
    assert "secret key" in done.err
    assert terminal.run("api-keys", "list", "--json").read() == []


def test_a_secret_key_takes_no_rewards(terminal: Terminal) -> None:
    done = terminal.run("api-keys", "create", "backend", "--reward", "signup")

    assert done.code == 1
    assert "track" in done.err


def test_a_key_is_found_by_its_label(terminal: Terminal) -> None:
    made = terminal.run("api-keys", "create", "backend", "--json").read()

    rotated = terminal.run("api-keys", "rotate", "backend", "--json").read()
    revoked = terminal.run("api-keys", "revoke", "backend", "--yes")

    assert rotated["id"] == made["id"]
    assert revoked.code == 0, revoked.err
    assert terminal.run("api-keys", "revoke", "backend", "--yes").code == 4


def test_a_kept_key_is_not_sent_to_another_address(
    terminal: Terminal, live_server: LiveServer
) -> None:
    event = '{"anonymous_id": "ann", "name": "signup"}'
    elsewhere = Terminal(terminal.folder, {"LEVERED_URL": live_server.url})
    assert terminal.run("api-keys", "create", "backend", "--keep").code == 0

    assert terminal.run("ingest", "rewards", "-", stdin=event).code == 0
    assert elsewhere.run("ingest", "rewards", "-", stdin=event).code == 3


def test_a_key_of_another_address_is_not_kept(
    terminal: Terminal, live_server: LiveServer
) -> None:
    variables = {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": _read_token(terminal)}
    elsewhere = Terminal(terminal.folder, variables)

    done = elsewhere.run("api-keys", "create", "backend", "--keep")

    assert done.code == 2
    assert "levered login" in done.err
    assert terminal.run("api-keys", "list", "--json").read() == []


def _read_token(terminal: Terminal) -> str:
    kept = json.loads((terminal.folder / "credentials.json").read_text())
    return str(kept["test"]["token"])

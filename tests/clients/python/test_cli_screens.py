"""Commands that stay: results that are watched, and pictures by a browser."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from levered.cli.readings import show_results
from optimizations.models import Assignment
from tests.support import chromium, factories
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import Terminal
from tests.support.running_service import until
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = """<!doctype html>
<body><h1></h1><script>
const body = JSON.stringify({ anonymous_id: "visitor-1", context: {} });
const headers = { "Content-Type": "application/json" };
fetch("%s/api/v2/optimizations/%s/serve", { method: "POST", body, headers })
  .then((response) => response.json())
  .then(({ variant }) => {
    document.body.style.background = variant.headline === "A" ? "red" : "blue";
  });
</script></body>
"""


@pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium")
def test_a_picture_of_each_variant_is_uploaded_and_nobody_counted(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_live_optimization()
    variables = {
        "LEVERED_URL": live_server.url,
        "LEVERED_TOKEN": factories.admin_token(optimization.organization),
        "LEVERED_CHROMIUM": str(chromium.PATH),
    }
    terminal = Terminal(tmp_path, variables)
    page = tmp_path / "page.html"
    page.write_text(PAGE % (live_server.url, optimization.pk))

    done = terminal.spawn(
        "optimizations", "screenshot", optimization.pk, "--url", page.as_uri()
    )

    assert done.code == 0, done.err
    variants = terminal.run("optimizations", "show", optimization.pk, "--json").read()[
        "variants_count"
    ]
    pictures = [
        _read_picture(terminal, optimization.pk, n + 1) for n in range(variants)
    ]
    red, also_red, blue, also_blue = pictures
    assert red == also_red != blue == also_blue
    assert not Assignment.objects.exists()


def _read_picture(terminal: Terminal, optimization_id: object, number: int) -> bytes:
    answer = factories.Api(terminal.variables["LEVERED_TOKEN"]).get(
        f"/optimizations/{optimization_id}/variants/by-number/{number}/screenshot"
    )
    assert answer.headers["Content-Type"] == "image/png"
    return bytes(answer.content)


def test_a_picture_is_uploaded_from_a_file(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_live_optimization()
    token = factories.admin_token(optimization.organization)
    terminal = Terminal(
        tmp_path, {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": token}
    )
    file = tmp_path / "picture.png"
    file.write_bytes(b"not a picture")

    refused = terminal.run(
        *("optimizations", "screenshot", optimization.pk, "--file", file),
        *("--variant", 1),
    )
    unsaid = terminal.run("optimizations", "screenshot", optimization.pk)

    assert refused.code == 1
    assert "PNG" in refused.err
    assert unsaid.code == 2


@pytest.mark.parametrize(("answer", "status"), [("n", "live"), ("y", "shipped")])
def test_a_person_is_asked_before_a_broken_one_ships(
    live_server: LiveServer, tmp_path: Path, answer: str, status: str
) -> None:
    broken = make_broken_split()
    token = factories.admin_token(broken.organization)
    terminal = Terminal(
        tmp_path, {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": token}
    )
    person, keyboard = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    output = tmp_path / "output"

    with output.open("w") as file:
        process = terminal.start(
            "optimizations", "ship", broken.pk, output=file, keyboard=keyboard
        )
        code = process.wait(60)
    os.close(person)
    os.close(keyboard)

    broken.refresh_from_db()
    assert "Ship anyway? [y/N]" in output.read_text()
    assert (code, broken.status) == (int(answer == "n"), status)


def test_results_are_watched_until_the_user_leaves(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_live_optimization()
    token = factories.admin_token(optimization.organization)
    terminal = Terminal(
        tmp_path, {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": token}
    )
    output = tmp_path / "output"
    asked: list[int] = []

    with output.open("w") as file:
        process = terminal.start(
            *("optimizations", "results", optimization.pk, "--watch", "0.1"),
            output=file,
        )
        until(lambda: _is_watching(process, asked), 10)
        process.send_signal(signal.SIGINT)
        code = process.wait(30)

    assert code == 0
    assert "valid at any time" in output.read_text()


def test_each_document_of_a_watch_is_a_line_of_json(
    live_server: LiveServer, tmp_path: Path
) -> None:
    """`--watch` needs no number, wherever it stands."""
    optimization = make_live_optimization()
    token = factories.admin_token(optimization.organization)
    variables = {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": token}
    output = tmp_path / "output"

    with output.open("w") as file:
        process = Terminal(tmp_path, variables).start(
            *("optimizations", "results", "--watch", "0.05", optimization.pk, "--json"),
            output=file,
        )
        until(lambda: output.read_text().count("\n") > 2, 30)
        process.send_signal(signal.SIGINT)
        code = process.wait(30)

    documents = [json.loads(line) for line in output.read_text().splitlines()]
    assert code == 0
    assert all(len(each["variants"]) == 4 for each in documents)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("results", "x", "--watch", "--csv"), "--watch and --csv"),
        (("results", "--watch", "x", "--json", "--csv"), "--json and --csv"),
        (("results", "x", "--watch", "0"), "more than 0"),
        (("results", "x", "--watch=nan"), "more than 0"),
        (("evaluate", "x", "--variant", "1", "--candidate"), "--variant and"),
        (("candidate", "x", "--promote", "--delete"), "--promote and --delete"),
        (("candidate", "x", "--delete", "--csv"), "--csv and --delete"),
        (("screenshot", "x", "--url", "http://a", "--file", __file__), "--url and"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    done = Terminal(tmp_path, {}).run("optimizations", *arguments)

    assert done.code == 2
    assert problem in done.err


def test_a_watch_without_a_number_is_every_ten_seconds(tmp_path: Path) -> None:
    context = show_results.make_context("results", ["--watch", "Landing page"])

    assert context.params["watch"] == 10
    assert context.params["optimization"] == "Landing page"


@pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium")
@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://127.0.0.1:9/", "does not open: net::ERR"), ("nonsense", "does not open")],
)
def test_a_page_that_does_not_open_is_one_line(
    live_server: LiveServer, tmp_path: Path, url: str, reason: str
) -> None:
    optimization = make_live_optimization()
    terminal = Terminal(
        tmp_path,
        {
            "LEVERED_URL": live_server.url,
            "LEVERED_TOKEN": factories.admin_token(optimization.organization),
            "LEVERED_CHROMIUM": str(chromium.PATH),
        },
    )

    done = terminal.spawn("optimizations", "screenshot", optimization.pk, "--url", url)

    assert done.code == 6
    (line,) = [each for each in done.err.splitlines() if each.startswith("Error")]
    assert reason in line
    assert "Traceback" not in done.err


@pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium")
def test_a_page_that_answers_an_error_is_no_picture(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_live_optimization()
    terminal = Terminal(
        tmp_path,
        {
            "LEVERED_URL": live_server.url,
            "LEVERED_TOKEN": factories.admin_token(optimization.organization),
            "LEVERED_CHROMIUM": str(chromium.PATH),
        },
    )
    take = ("optimizations", "screenshot", optimization.pk, "--json", "--url")

    done = terminal.spawn(*take, f"{live_server.url}/no-such-page")

    assert (done.code, done.out) == (6, "")
    assert "/no-such-page answers 404" in done.err
    missing = terminal.spawn(*take, live_server.url, "--variant", "99")
    assert missing.code == 4


def _is_watching(process: "subprocess.Popen[str]", asked: list[int]) -> bool:
    """Return whether the program had the time to show results a few times."""
    assert process.poll() is None
    asked.append(1)
    return len(asked) > 100

"""The load generators send what they are told and count what comes back."""

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from benchmarks.serve import load, report, rounds
from benchmarks.serve.requests import NUMBER, RequestTemplate, build_template
from benchmarks.serve.rounds import Load, Round
from benchmarks.serve.servers import Server, start_bare_granian

RECEIVED: list[bytes] = []
DELAYS: list[float] = []
ANY_ROUND = Round(100.0, 1.0, 2.0, 3.0, 10.0, 0.1, 0, 0)


class Handler(BaseHTTPRequestHandler):
    """Keeps what it receives; waits as long as the next of DELAYS says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer 200, or 503 where the body says so."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        RECEIVED.append(body)
        if DELAYS:
            time.sleep(DELAYS.pop())
        self.send_response(503 if b"refuse" in body else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    RECEIVED.clear()
    DELAYS.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield Server("test", listening.server_address[1], ())
        listening.shutdown()
        thread.join()


def build_user_template(text: str = NUMBER) -> RequestTemplate:
    return build_template("POST", "/serve", {"anonymous_id": text, "again": text})


def test_each_request_has_a_number_of_its_own_and_the_right_length() -> None:
    first, second = islice(build_user_template().generate(), 2)

    for request, digits in ((first, b"000000000"), (second, b"100000000")):
        head, _, body = request.partition(b"\r\n\r\n")
        assert body == b'{"anonymous_id":"%b","again":"%b"}' % (digits, digits)
        assert int(re.findall(rb"Content-Length: (\d+)", head)[0]) == len(body)


def test_numbers_with_a_modulo_begin_again() -> None:
    template = build_template("POST", "/serve", NUMBER, first=4, modulo=3)
    bodies = [request[-11:] for request in islice(template.generate(), 3)]

    assert bodies == [b'"100000000"', b'"200000000"', b'"000000000"']


@pytest.mark.parametrize("is_wrk", [False, True])
def test_a_round_counts_every_response_once(server: Server, is_wrk: bool) -> None:
    if is_wrk and not rounds.has_wrk():
        pytest.skip("wrk is not installed")
    one = Load("any", server, lambda _: build_user_template(), connections=4)

    measured = rounds.run_round(one, 1, seconds=1.0, is_wrk=is_wrk)

    assert measured.refused == measured.failed == 0
    assert 0 < measured.p50 <= measured.p95 <= measured.p99
    # A request that was under way at the end of wrk's round is not counted.
    assert measured.rate == pytest.approx(len(RECEIVED), rel=0.5)
    assert len(set(RECEIVED)) == len(RECEIVED)


@pytest.mark.parametrize("is_wrk", [False, True])
def test_refusals_are_counted_apart(server: Server, is_wrk: bool) -> None:
    if is_wrk and not rounds.has_wrk():
        pytest.skip("wrk is not installed")
    template = build_user_template("refuse")
    one = Load("any", server, lambda _: template, connections=2)

    measured = rounds.run_round(one, 1, seconds=1.0, is_wrk=is_wrk)

    assert measured.refused == pytest.approx(len(RECEIVED), rel=0.5)
    assert measured.rate <= 1


def test_an_open_loop_times_requests_from_when_they_were_due(server: Server) -> None:
    DELAYS.append(0.5)  # the first request keeps the only connection that long

    result = load.run_open_loop(
        server.address,
        build_user_template().generate(),
        rate=20,
        connections=1,
        seconds=0.4,
    )

    assert result.statuses == {200: 8}
    assert min(result.latencies) > 0.1  # the last was due at 0.35 s


def test_requests_sent_at_once_return_their_bodies(server: Server) -> None:
    request = next(build_user_template("one user").generate())

    result = load.send_at_once(
        server.address, request, count=20, sources=("127.0.0.1", "127.0.0.2")
    )

    assert result.statuses == {200: 20}
    assert set(result.bodies) == {b'{"anonymous_id":"one user","again":"one user"}'}


def test_the_floor_answers() -> None:
    with start_bare_granian() as granian:
        request = next(build_user_template().generate())
        result = load.send_at_once(granian.address, request, count=1)

        assert result.statuses == {200: 1}
        assert granian.measure_cpu() > 0


def test_ratios_are_of_medians_and_name_their_goal() -> None:
    slow = Round(10.0, 1.0, 2.0, 3.0, 10.0, 0.1, 0, 0)
    fast = Round(900.0, 1.0, 2.0, 3.0, 10.0, 0.1, 0, 0)
    results = {"ours first serve": [slow, ANY_ROUND, fast], "granian": [ANY_ROUND] * 3}

    _, *rows = report.list_goal_rows(results)

    title = "rate: ours first serve / granian"
    assert rows == [[title, "1.00", "at least 0.18", "met"]]


def test_tables_are_written_between_the_marks_of_a_page() -> None:
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page.md"
        page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
        table = report.list_load_rows({"granian": [ANY_ROUND]})

        report.insert_text(page, report.format_markdown(table))

        head, _, row = page.read_text().splitlines()[2:5]
        assert head.startswith("| load | per s |")
        assert row.startswith("| granian | 100 | 1.00 |")
        assert page.read_text().splitlines()[0::6] == ["before", "after"]


def test_the_file_has_every_round() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "serve.json"
        report.write_json(path, {"granian": [ANY_ROUND]}, {"rounds": 1})

        assert '"rate": 100.0' in path.read_text()

"""Hostile and clumsy clients of the running service: nobody else notices them."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.support.raw_http import (
    GET_HEALTH,
    build_post,
    connect,
    connect_many,
    read_response,
    read_responses,
    read_to_end,
)
from tests.support.running_service import (
    PATIENCE,
    Service,
    home_named,
    issue_token,
    until,
)

REQUEST_SECONDS = 5
WRITE_SECONDS = 4
SETTINGS = {
    "RATELIMIT_GLOBAL": "0",
    "RATELIMIT_SERVE": "0",
    "WEB_REQUEST_SECONDS": str(REQUEST_SECONDS),
    "WEB_WRITE_SECONDS": str(WRITE_SECONDS),
}
LARGE_FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
OTHER_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run one service with short deadlines."""
    with home_named("web server") as running:
        running.start(**SETTINGS)
        yield running


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    """Return a token of the demo organization's admin."""
    return issue_token(service.home)


@pytest.fixture
def others(service: Service, token: str) -> Iterator[httpx.Client]:
    """Give an ordinary client, whose requests must be answered in good time."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{service.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5 * PATIENCE,
    ) as client:
        yield client


def check_that_others_are_served(client: httpx.Client) -> None:
    """Send requests on a kept and on new connections."""
    for _ in range(5):
        assert client.get("/api/v2/me").status_code == 200
        assert httpx.get(f"{client.base_url}/healthz", timeout=5 * PATIENCE).is_success


def test_slow_bodies_hold_nobody_up_and_get_a_408(
    service: Service, others: httpx.Client
) -> None:
    with connect_many(service.port, 200, build_post(40, b"{")) as connections:
        check_that_others_are_served(others)
        responses = [read_response(each) for each in connections]

    assert {each.status for each in responses} == {408}
    assert {each.read_error() for each in responses} == {"bad_request"}
    assert {each.headers["connection"] for each in responses} == {"close"}


def test_slow_heads_hold_nobody_up_and_get_a_408(
    service: Service, others: httpx.Client
) -> None:
    with connect_many(service.port, 200, b"POST /api/v2") as connections:
        check_that_others_are_served(others)
        responses = [read_response(each) for each in connections]

    assert {(each.status, each.read_error()) for each in responses} == {
        (408, "bad_request")
    }


def test_a_head_that_trickles_in_is_given_up(service: Service) -> None:
    with connect(service.port) as connection:
        connection.sendall(GET_HEALTH)  # the deadline holds between requests, too
        assert read_response(connection).status == 200
        until(lambda: is_closed_after(connection, b"\r\n"), REQUEST_SECONDS * 3)


def test_a_thousand_idle_connections_hold_nobody_up_and_are_closed(
    service: Service, others: httpx.Client
) -> None:
    with connect_many(service.port, 1000, b"", OTHER_ADDRESSES) as connections:
        check_that_others_are_served(others)
        assert {read_to_end(each) for each in connections} == {b""}


def test_too_many_connections_of_one_address_are_refused(
    service: Service, others: httpx.Client
) -> None:
    """Two processes admit 256 each; none of these connections is idle."""
    first_bytes = build_post(40, b"{")
    with connect_many(service.port, 700, first_bytes, ("127.0.0.9",)) as connections:
        check_that_others_are_served(others)
        answers = [read_to_end(each) for each in connections]

    refused = [each for each in answers if each.startswith(b"HTTP/1.1 503 ")]
    admitted = [each for each in answers if each.startswith(b"HTTP/1.1 408 ")]
    assert refused
    assert json.loads(refused[0].partition(b"\r\n\r\n")[2])["error"]["code"] == (
        "unavailable"
    )
    assert 256 <= len(admitted) <= 512


def test_an_address_with_many_idle_connections_can_still_connect(
    service: Service,
) -> None:
    with (
        connect_many(service.port, 700, b"", ("127.0.0.9",)),
        connect(service.port, "127.0.0.9") as connection,
    ):
        connection.sendall(GET_HEALTH)
        assert read_response(connection).status == 200


def test_26_mb_of_headers_are_refused(service: Service, others: httpx.Client) -> None:
    line = b"X-Padding: " + b"x" * 65_000 + b"\r\n"
    with connect(service.port) as connection:
        with suppress(OSError):  # the server closes the connection meanwhile
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\n" + line * 400)
        check_that_others_are_served(others)
        response = read_to_end(connection)

    assert response == b"" or response.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("size", "status"), [(30_000, 200), (40_000, 431), (250_000, 431)]
)
def test_a_head_has_at_most_32_kb(service: Service, size: int, status: int) -> None:
    with connect(service.port) as connection:
        padding = b"X-Padding: " + b"x" * size + b"\r\n\r\n"
        connection.sendall(GET_HEALTH[:-2] + padding)
        response = read_response(connection)

    assert response.status == status
    if status == 431:
        assert response.read_error() == "bad_request"


def test_a_page_reads_that_its_head_is_too_large(service: Service) -> None:
    with connect(service.port) as connection:
        head = b"Origin: https://shop.example\r\nCookie: " + b"x" * 40_000
        connection.sendall(GET_HEALTH[:-2] + head + b"\r\n\r\n")
        response = read_response(connection)

    assert response.status == 431
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    assert response.headers["access-control-allow-credentials"] == "true"


def test_what_is_not_http_gets_a_400(service: Service) -> None:
    with connect(service.port) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        (response,) = read_responses(connection)

    assert (response.status, response.read_error()) == (400, "bad_request")


def test_pipelined_requests_are_answered_in_their_order(service: Service) -> None:
    paths = [f"/nowhere/{number}" for number in range(20)]
    requests = [f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n" for path in paths]
    with connect(service.port) as connection:
        connection.sendall("".join(requests).encode())
        responses = [read_response_of(connection) for _ in paths]

    for path, body in zip(paths, responses, strict=True):
        assert f"{path}.".encode() in body


def test_thousands_of_pipelined_requests_end_with_the_connection(
    service: Service, others: httpx.Client
) -> None:
    with connect(service.port) as connection:
        connection.sendall(GET_HEALTH * 5000)
        check_that_others_are_served(others)
        responses = read_responses(connection)

    assert len(responses) >= 32
    assert {each.status for each in responses} == {200}


def test_garbage_behind_a_request_does_not_cost_its_response(service: Service) -> None:
    with connect(service.port) as connection:
        connection.sendall(GET_HEALTH + b"garbage\r\n\r\n")
        (response,) = read_responses(connection)

    assert response.status == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service: Service) -> None:
    with connect(service.port) as connection:
        connection.sendall(build_post(3_000_000, b"", "Expect: 100-continue"))
        (response,) = read_responses(connection)

    assert (response.status, response.read_error()) == (413, "payload_too_large")
    assert "16,384" in response.body.decode()


def test_a_client_that_sends_a_body_over_the_limit_can_read_why(
    service: Service,
) -> None:
    with connect(service.port) as connection:
        connection.sendall(build_post(3_000_000, b"x" * 3_000_000))
        (response,) = read_responses(connection)

    assert response.status == 413


def test_more_than_the_announced_length_is_no_part_of_the_body(
    service: Service,
) -> None:
    with connect(service.port) as connection:
        connection.sendall(build_post(2, b"{}" + b"x" * 100_000))
        (response,) = read_responses(connection)

    assert response.status == 400
    assert b"optimization_id" in response.body


def test_a_chunked_body_gets_a_411(service: Service) -> None:
    with connect(service.port) as connection:
        head = build_post(0).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        connection.sendall(head + b"2\r\n{}\r\n0\r\n" + b"X-Trailer: x\r\n" * 10_000)
        (response,) = read_responses(connection)

    assert (response.status, response.read_error()) == (411, "bad_request")


def test_an_expected_100_continue_comes_before_the_body(service: Service) -> None:
    with connect(service.port) as connection:
        connection.sendall(build_post(2, b"", "Expect: 100-continue"))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert read_response(connection).status == 400


def test_an_offered_upgrade_is_ignored(service: Service) -> None:
    """Java's client offers HTTP/2 with its first request, which may have a body."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
    for body in (b"", b"{}"):
        with connect(service.port) as connection:
            connection.sendall(build_post(2, body, *upgrade))
            if not body:
                time.sleep(0.2)
                connection.sendall(b"{}")
            (response,) = read_responses(connection)

        assert response.status == 400
        assert b"optimization_id" in response.body


def test_a_reader_that_stops_is_cut_off(service: Service, others: httpx.Client) -> None:
    size = len(others.get(LARGE_FILE).content)
    request = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    with connect_many(service.port, 20, request * 30) as connections:
        check_that_others_are_served(others)
        time.sleep(2 * WRITE_SECONDS + 2)
        received = [len(read_to_end(each)) for each in connections]

    assert max(received) < 30 * size


def test_a_reader_that_is_slow_gets_the_whole_response(
    service: Service, others: httpx.Client
) -> None:
    size = len(others.get(LARGE_FILE).content)
    request = f"GET {LARGE_FILE} HTTP/1.0\r\nHost: test\r\n\r\n".encode()
    with socket.socket() as connection:
        connection.settimeout(5 * PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(request)
        received = b""
        began = time.monotonic()
        while chunk := connection.recv(size // 100):
            received += chunk
            time.sleep(0.02)

    assert time.monotonic() - began > WRITE_SECONDS
    assert len(received.partition(b"\r\n\r\n")[2]) == size


def test_a_client_that_hangs_up_does_not_stop_its_request(
    service: Service, others: httpx.Client
) -> None:
    body = b'{"label": "left early"}'
    token = others.headers["Authorization"]
    with connect(service.port) as connection:
        head = build_post(len(body), b"", f"Authorization: {token}")
        connection.sendall(
            head.replace(b"optimizations/best-variant", b"api-keys") + body
        )

    until(lambda: "left early" in others.get("/api/v2/api-keys").text, 10)


def test_responses_do_not_name_the_server(others: httpx.Client) -> None:
    response = others.get("/healthz")

    assert "server" not in response.headers
    assert "date" in response.headers


def test_a_head_request_has_the_length_and_no_body(
    service: Service, others: httpx.Client
) -> None:
    length = others.get(LARGE_FILE).headers["Content-Length"]
    with connect(service.port) as connection:
        connection.sendall(f"HEAD {LARGE_FILE} HTTP/1.0\r\nHost: test\r\n\r\n".encode())
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")

    assert f"content-length: {length}".encode() in head
    assert body == b""


def test_an_unchanged_file_gets_a_304_and_the_connection_is_kept(
    others: httpx.Client,
) -> None:
    etag = others.get(LARGE_FILE).headers["ETag"]

    statuses = [
        others.get(LARGE_FILE, headers={"If-None-Match": etag}).status_code
        for _ in range(3)
    ]

    assert statuses == [304, 304, 304]


def is_closed_after(connection: socket.socket, data: bytes) -> bool:
    """Send data; return whether the server has closed the connection."""
    try:
        connection.sendall(data)
    except OSError:
        return True
    time.sleep(0.2)
    return False


def read_response_of(connection: socket.socket) -> bytes:
    """Return the body of the next pipelined response, read byte by byte."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return connection.recv(length, socket.MSG_WAITALL)

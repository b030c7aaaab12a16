"""WsgiBridge and bodies: which are read, how many large ones at once, what waits."""

import gzip
import threading
from collections.abc import Callable
from typing import Any

import pytest

from levered_site.errors import UnavailableError
from levered_site.web.bodies import SMALL_BODY, BodyMemory
from levered_site.web.large_body_gate import LargeBodyGate
from tests.support.wsgi_client import MB, Client, echo, keep_environ, send, send_all


def test_a_body_over_the_endpoints_limit_is_not_read() -> None:
    environ: dict[str, Any] = {}
    client = Client([b"x" * 20_000])

    send(client, keep_environ(environ), limit=16 * 1024)

    assert client.chunks, "nothing was received"
    assert environ["CONTENT_LENGTH"] == "20000"
    assert environ["wsgi.input"].read() == b""
    assert client.get_header(b"connection") == [b"close"]


def test_a_chunked_body_is_not_read() -> None:
    environ: dict[str, Any] = {}
    client = Client([], [(b"transfer-encoding", b"chunked")])

    send(client, keep_environ(environ))

    assert environ["HTTP_TRANSFER_ENCODING"] == "chunked"
    assert client.get_header(b"connection") == [b"close"]


@pytest.mark.parametrize("size", [10, 2 * SMALL_BODY])
def test_a_client_that_leaves_before_its_body_is_complete_reaches_no_view(
    size: int,
) -> None:
    environ: dict[str, Any] = {}
    client = Client([b"x" * size], leaves=True)

    send(client, keep_environ(environ))

    assert environ == {}
    assert client.sent == []


def test_large_bodies_beyond_the_memory_limit_get_a_503_and_small_ones_do_not() -> None:
    large, small = Client([b"x" * 2 * MB]), Client([b"x" * SMALL_BODY])

    send(large, echo, memory=MB)
    send(small, echo, memory=0)

    assert large.status == 503
    assert b"unavailable" in large.body
    assert large.get_header(b"connection") == [b"close"]
    assert small.body == b"x" * SMALL_BODY


@pytest.mark.parametrize("is_packed", [False, True])
def test_large_bodies_wait_for_their_turn(is_packed: bool) -> None:
    """Each takes the room of two, so they are never in the application together.

    So do those that are small as sent and large when they are decompressed.
    """
    body, headers = b"x" * 2 * MB, []
    if is_packed:
        body, headers = gzip.compress(body), [(b"content-encoding", b"gzip")]
        assert len(body) < SMALL_BODY
    running, most = 0, 0

    def count(
        _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.05)
        running -= 1
        start_response("204 No Content", [])
        return []

    clients = [Client([body], headers) for _ in range(4)]

    send_all(clients, count, LargeBodyGate(3 * MB, 5.0))

    assert {client.status for client in clients} == {204}
    assert most == 1


def test_a_large_body_that_waits_too_long_gets_a_503_and_a_small_one_passes() -> None:
    released = threading.Event()

    def wait(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        if int(environ["CONTENT_LENGTH"]) > SMALL_BODY:
            released.wait(5)
        else:
            released.set()
        start_response("204 No Content", [])
        return []

    first, second = Client([b"x" * 2 * MB]), Client([b"x" * 2 * MB])
    small = Client([b"x"])

    send_all([first, second, small], wait, LargeBodyGate(3 * MB, 0.0))

    assert [each.status for each in (first, second, small)] == [204, 503, 204]


def test_bytes_are_given_back_when_a_body_is_done_with() -> None:
    memory = BodyMemory(100, 60)

    with memory.hold("a") as held:
        held.add(60)
        with pytest.raises(UnavailableError), memory.hold("a") as other:
            other.add(1)
        with memory.hold("b") as other:
            other.add(40)
        with pytest.raises(UnavailableError), memory.hold("c") as other:
            other.add(41)

    with memory.hold("a") as held:
        held.add(60)

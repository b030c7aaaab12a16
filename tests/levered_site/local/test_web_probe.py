"""WebProbe: which servers count as deaf, on sockets that answer or do not."""

import socket
from collections.abc import Iterator

import pytest

from levered_site.local import web_probe
from levered_site.local.web_probe import WebProbe
from tests.support.running_service import free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen without accepting, as a server whose event loop hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def get_address(listener: socket.socket) -> tuple[str, int]:
    """Return host and port of a listening socket."""
    host, port = listener.getsockname()
    return host, port


def ask(probe: WebProbe, start: float, seconds: float) -> bool:
    """Ask each half second of an imagined clock; return the last verdict."""
    verdict = False
    for step in range(int(seconds * 2)):
        verdict = probe.is_deaf(start + step / 2)
    probe.close()
    return verdict


def test_a_server_that_starts_slowly_is_not_deaf(listener: socket.socket) -> None:
    probe = WebProbe(*get_address(listener), 0.0)

    assert not ask(probe, 0.0, web_probe.START_SECONDS - 10)


def test_a_server_that_never_answers_is_deaf(listener: socket.socket) -> None:
    probe = WebProbe(*get_address(listener), 0.0)

    assert ask(probe, 0.0, web_probe.START_SECONDS + 60)


def test_a_port_without_a_listener_is_deaf() -> None:
    probe = WebProbe("127.0.0.1", free_port(), 0.0)

    assert ask(probe, 0.0, web_probe.START_SECONDS + 60)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Service Unavailable\r\n", b""])
def test_any_answer_resets_the_misses(listener: socket.socket, answer: bytes) -> None:
    probe = WebProbe(*get_address(listener), 0.0)
    now = 0.0
    for _ in range(5):
        now += web_probe.INTERVAL_SECONDS
        probe.is_deaf(now)
        connection, _ = listener.accept()
        with connection:
            probe.is_deaf(now)  # it sends its request
            connection.recv(1000)
            connection.sendall(answer)
        assert not probe.is_deaf(now)

    misses = web_probe.MAX_MISSES - 1
    round_seconds = web_probe.INTERVAL_SECONDS + web_probe.TIMEOUT_SECONDS
    assert not ask(probe, now, misses * round_seconds)
    assert ask(probe, now + misses * round_seconds, 3 * round_seconds)

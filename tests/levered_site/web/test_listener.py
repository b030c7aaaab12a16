"""The listening socket: addresses, inherited options, waiting connections."""

import socket

import pytest

from levered_site.web.listener import (
    KEEPALIVE_IDLE_SECONDS,
    accept_all,
    open_listener,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "::", "0.0.0.0"])  # noqa: S104
def test_every_way_to_write_a_host_works(host: str) -> None:
    with (
        open_listener(host, 0) as listener,
        socket.create_connection(listener.getsockname()[:2], 5),
        next(accept_all(listener)) as peer,
    ):
        assert peer.getpeername()


def test_half_open_connections_are_noticed_by_the_kernel() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, 5), next(accept_all(listener)) as peer:
            assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert (
                peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                == KEEPALIVE_IDLE_SECONDS
            )
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_all_waiting_connections_are_accepted_and_nobody_is_waited_for() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        clients = [socket.create_connection(address, 5) for _ in range(3)]

        accepted = list(accept_all(listener))

        assert len(accepted) == 3
        for each in (*clients, *accepted):
            each.close()

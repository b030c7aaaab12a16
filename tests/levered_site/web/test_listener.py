"""The listening socket: addresses, inherited options, waiting connections."""

import errno
import select
import socket

import pytest

from levered_site.web.listener import (
    KEEPALIVE_IDLE_SECONDS,
    admit_nobody,
    close_after_accepting,
    open_listener,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "::", "0.0.0.0"])  # noqa: S104
def test_every_way_to_write_a_host_works(host: str) -> None:
    with (
        open_listener(host, 0) as listener,
        socket.create_connection(listener.getsockname()[:2], 5),
        listener.accept()[0] as peer,
    ):
        assert peer.getpeername()


def test_half_open_connections_are_noticed_by_the_kernel() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, 5), listener.accept()[0] as peer:
            assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert (
                peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                == KEEPALIVE_IDLE_SECONDS
            )
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_a_port_is_closed_behind_those_who_waited_at_it() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        clients = [socket.create_connection(address, 5) for _ in range(3)]

        accepted = close_after_accepting(listener)

        assert len(accepted) == 3
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 5)
        for client, connection in zip(clients, accepted, strict=True):
            connection.settimeout(5)
            connection.sendall(b"served")
            assert client.recv(6) == b"served"
            client.close()
            connection.close()


def test_who_comes_while_a_port_closes_is_refused_and_never_reset() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        early = socket.create_connection(address, 5)
        admit_nobody(listener)
        late = socket.socket()
        late.settimeout(0)
        assert late.connect_ex(address) == errno.EINPROGRESS
        assert select.select([], [late], [], 0.2) == ([], [], [])

        (accepted,) = close_after_accepting(listener)

        assert select.select([], [late], [], 10)[1] == [late]
        error = late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert error == errno.ECONNREFUSED
        early.sendall(b"request")
        accepted.settimeout(5)
        assert accepted.recv(7) == b"request"
        for each in (early, late, accepted):
            each.close()
